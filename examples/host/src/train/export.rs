//! The trained network as files: `safetensors`, and Rust source.

use core::fmt::Write;

use super::compute::Linear;
use super::table::Table;

/// A `safetensors` file with the names of PyTorch's `Sequential(Linear, Tanh, Linear)`, as the Python
/// library writes it.
pub fn safetensors(layers: &[Linear; 2]) -> Vec<u8> {
    let (mut header, mut data) = (String::new(), vec![]);
    for (Linear { rows, bias }, name) in layers.iter().zip(["0", "2"]) {
        let inputs = rows.first().map_or(0, Vec::len);
        for (name, shape, values) in [
            (format!("{name}.bias"), format!("{}", bias.len()), bias.clone()),
            (format!("{name}.weight"), format!("{},{inputs}", rows.len()), rows.concat()),
        ] {
            let start = data.len();
            data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            header += &format!(
                "{}\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{shape}],\"data_offsets\":[{start},{}]}}",
                if start == 0 { "{" } else { "," },
                data.len()
            );
        }
    }
    header += "}";
    let length = header.len().next_multiple_of(8);
    let header = format!("{header:<length$}");
    [&u64::try_from(length).unwrap_or(0).to_le_bytes(), header.as_bytes(), &data].concat()
}

/// Rust source of the network, for firmware.
pub fn rust(table: &Table, layers: &[Linear; 2], source: &str) -> String {
    let [Linear { bias: hidden, .. }, Linear { bias: outputs, .. }] = layers;
    let (inputs, hidden, outputs) = (table.inputs.len(), hidden.len(), outputs.len());
    let (output, meaning, names) = if table.labels.is_empty() {
        ("Identity", "The output", vec![table.target.clone()])
    } else {
        ("Softmax", "The labels, whose probabilities are the outputs", table.labels.clone())
    };
    let mut text = format!(
        "// Written by gradlet's example `train` from {source:?}.
use gradlet::prelude::*;

/// The inputs: raw, in the units of the file. The network scales them itself.
pub const INPUTS: [&str; {inputs}] = {:#?};

/// {meaning}.
pub const OUTPUTS: [&str; {outputs}] = {names:#?};

/// The network: `NET.forward(&readings)`.
pub static NET: Mlp<{inputs}, {hidden}, {outputs}, Tanh, {output}> = Mlp::new(
",
        table.inputs
    );
    for Linear { rows, bias } in layers {
        text += "    Dense::from_rows(\n        [\n";
        for row in rows {
            list(&mut text, 12, row);
        }
        text += "        ],\n";
        list(&mut text, 8, bias);
        text += "    ),\n";
    }
    text + ");\n"
}

/// An array of numbers, six on a line.
fn list(text: &mut String, indent: usize, numbers: &[f32]) {
    let next = format!(",\n {:indent$}", "");
    let mut separator = "";
    // Writing to a string does not fail.
    let _ = write!(text, "{:indent$}[", "");
    for line in numbers.chunks(6) {
        let line: Vec<_> = line.iter().map(|number| format!("{number:?}")).collect();
        let _ = write!(text, "{separator}{}", line.join(", "));
        separator = &next;
    }
    *text += "],\n";
}
