//! Files of recurrent layers.

#![allow(clippy::float_cmp, reason = "compares what was written")]

use gradlet::prelude::*;
use gradlet::safetensors::{self, LoadError, Safetensors, SaveError};
use gradlet::{LearnedState, LstmCell, Recurrent};
use safetensors_oracle::SafeTensors;

/// A learned state is a tensor; one that is kept is not.
#[test]
fn files_and_source_have_learned_states() {
    type Net = net![5 x 2 => Gru(3, all, stateful) => Lstm(3, learned state)];
    const STATE: [[f32; 3]; 2] = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let mut net = Net::ZERO;
    *net.rest_mut().initial_state_mut() = STATE;
    let mut file = [0; 4000];
    let file = safetensors::save(&net, &["a", "b"], &mut file).unwrap();
    let tensors = SafeTensors::deserialize(file).unwrap();
    assert!(tensors.tensor("a.initial_state").is_err());
    let state = tensors.tensor("b.initial_state").unwrap();
    assert_eq!(state.shape(), [2, 3]);
    assert_eq!(
        state.data(),
        STATE.as_flattened().iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()
    );
    *net.first_mut().initial_state_mut() = [[7.0; 3]];
    let read = safetensors::from_bytes::<Net>(file, &["a", "b"]).unwrap();
    assert_eq!((read.first().initial_state(), read.rest()), (&[[0.0; 3]], net.rest()));

    type Second = Recurrent<LearnedState<LstmCell>, [[f32; 3]; 5], [f32; 3], 3, 3, 12, f32, 2>;
    let file = Safetensors::new(file).unwrap();
    assert_eq!(Second::from_safetensors(&file, "b").unwrap(), *net.rest());
    let source: String = net.to_source().to_string().split_whitespace().collect();
    assert!(source.contains(".with_initial_state([[1.0,2.0,3.0],[4.0,5.0,6.0],],)"), "{source}");
    assert!(source.contains(".with_initial_state([[7.0,7.0,7.0],],)"), "{source}");
}

/// PyTorch numbers stacked layers, and tells directions apart, at the ends of names.
#[test]
fn names_of_tensors_take_the_place_of_an_asterisk() {
    type Net = net![5 x 2 => Gru(2, all, bidirectional) => Gru(3, reversed) => 4 Softmax];
    const NAMES: [&str; 4] = ["m.r", "m.r.*_l0_reverse", "m.r.*_l1_reverse", "*_of_head"];
    let mut net = Net::ZERO;
    net.first_mut().second_mut().state_bias_mut()[5] = 1.5;
    net.rest_mut().rest_mut().bias_mut()[3] = 2.5;
    let mut file = [0; 4000];
    let file = safetensors::save(&net, &NAMES, &mut file).unwrap();
    let tensors = SafeTensors::deserialize(file).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    let ends = ["_l0", "_l0_reverse", "_l1_reverse"];
    let parts = ["bias_hh", "bias_ih", "weight_hh", "weight_ih"];
    let mut want = vec!["bias_of_head".to_owned()];
    want.extend(parts.iter().flat_map(|part| ends.map(|end| format!("m.r.{part}{end}"))));
    want.push("weight_of_head".to_owned());
    assert_eq!(names, want);
    let bias = tensors.tensor("m.r.bias_hh_l0_reverse").unwrap().data();
    assert_eq!(bias.last_chunk(), Some(&1.5_f32.to_le_bytes()));
    assert_eq!(safetensors::from_bytes::<Net>(file, &NAMES).unwrap(), net);

    type Direction = Gru<5, 2, 2, 6>;
    let one = safetensors::from_bytes::<Direction>(file, &["m.r.*_l0_reverse", ".."]).unwrap();
    assert_eq!(one.state_bias()[5], 1.5);
    let error = safetensors::from_bytes::<Direction>(file, &["m.r.*_l2", ".."]).unwrap_err();
    let error = error.to_string();
    let start = "tensor `m.r.weight_ih_l2` is not in the file, which has m.r.weight_ih_l0, ";
    assert!(error.starts_with(start), "{error}");
    let error = safetensors::from_bytes::<Direction>(file, &["m.r"]).unwrap_err();
    assert!(matches!(error, LoadError::Unexpected { .. }), "{error}");
    // Twice the same name.
    let mut file = [0; 4000];
    let error = safetensors::save(&net, &["m.r", "m.r.*_l0", "a", "b"], &mut file).unwrap_err();
    assert!(matches!(error, SaveError::Duplicate { layer: "m.r" }), "{error}");
}
