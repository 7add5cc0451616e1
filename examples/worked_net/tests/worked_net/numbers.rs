//! The example `worked_net`: its numbers against numpy and `CPython`, and its verdicts on the text.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use gradlet::prelude::*;
use support::{Json, assert_all_close, assert_close, tolerance};
use worked_net::{Biases, Ending, Moment, Net, Numbers, Parameters, RATE, Step, own};

const BOTH: [(Biases, &str); 2] = [(Biases::Declared, "declared"), (Biases::Printed, "printed")];
const RATES: [(f64, &str); 2] = [(0.5, "lr_0.5"), (0.1, "lr_0.1")];

/// `f64` losses after up to 10,000 updates, relative: 1e-15 was measured between implementations.
const LOSS: f64 = 1e-12;

/// What the text trains on.
const TEXT: Numbers = Numbers::of_text(Biases::Declared);

fn network<T: Scalar>(biases: Biases) -> Net<T> {
    Numbers::of_text(biases).network()
}

fn step<T: Scalar>(net: &Net<T>, rate: T) -> Step<T> {
    worked_net::step(net, &TEXT, rate)
}

fn train<T: Scalar>(
    net: &mut Net<T>,
    rate: T,
    steps: u32,
    observe: impl FnMut(Moment<T>),
) -> Ending {
    worked_net::train(net, &TEXT, rate, steps, observe)
}

// The numbers

fn variant(name: &str) -> Json<'static> {
    Json::file("004_bp222").at("variants").at(name)
}

/// The network after so many updates.
fn trained<T: Scalar>(biases: Biases, rate: T, updates: u32) -> Net<T> {
    let mut net = network(biases);
    assert_eq!(train(&mut net, rate, updates, |_| ()), Ending::Complete);
    net
}

/// w1 .. w8, b1 .. b4.
fn list<T: Scalar>(parameters: &Parameters<T>) -> Vec<f64> {
    parameters.weights.iter().chain(&parameters.biases).map(|v| v.to_f64()).collect()
}

/// The same of a golden file.
fn golden_list<'a, R>(parameters: Json<'a>, read: fn(Json<'a>) -> R) -> Vec<R> {
    let names = ["w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "b1", "b2", "b3", "b4"];
    names.into_iter().map(|name| read(parameters.at(name))).collect()
}

#[test]
fn f64_losses_match_golden_up_to_10000_updates() {
    for (biases, name) in BOTH {
        for (rate, rate_name) in RATES {
            let mut losses = vec![];
            train(&mut network::<f64>(biases), rate, 10_000, |m| losses.push(m.loss));
            assert_eq!(losses.len(), 10_001);
            let marks = variant(name).at(rate_name).list();
            let updates: Vec<_> = marks.iter().map(|mark| mark.at("updates").count()).collect();
            assert_eq!(updates, [0, 1, 2, 3, 4, 5, 10, 100, 1000, 10_000]);
            for mark in marks {
                let (updates, want) = (mark.at("updates").count(), mark.at("loss").number());
                let off = (losses[updates] - want).abs();
                assert!(off <= LOSS * want, "{name} {rate_name} {updates}: off by {off:e}");
            }
        }
    }
}

#[test]
fn f64_outputs_and_parameters_match_golden_at_every_mark() {
    for (biases, name) in BOTH {
        for (rate, rate_name) in RATES {
            for mark in variant(name).at(rate_name).list() {
                let updates = mark.at("updates").count() as u32;
                let net = trained(biases, rate, updates);
                let bound = if updates <= 5 { tolerance::F64_PASS } else { tolerance::F64_LONG };
                let what = format!("{name} {rate_name} {updates}");
                let outputs = net.forward(&TEXT.inputs);
                assert_all_close(&what, &outputs, &mark.at("out").numbers(), bound);
                let want = golden_list(mark.at("params"), Json::number);
                assert_all_close(&what, &list(&Parameters::of_net(&net)), &want, bound);
            }
        }
    }
}

fn assert_step_is(step: &Step<f64>, mark: Json<'_>, what: &str) {
    let pairs = [
        ("in_h", step.in_h),
        ("out_h", step.out_h),
        ("in_o", step.in_o),
        ("out", step.out_o),
        ("delta_o", step.delta_o),
        ("delta_h", step.delta_h),
        ("dE_dout_h", step.error_by_out_h),
    ];
    for (name, got) in pairs {
        let want = mark.at(name).numbers();
        assert_all_close(&format!("{what} {name}"), &got, &want, tolerance::F64_PASS);
    }
    let singles = [("E_o1", step.errors[0]), ("E_o2", step.errors[1]), ("loss", step.error)];
    for (name, got) in singles {
        let want = mark.at(name).number();
        assert_close(&format!("{what} {name}"), got, want, tolerance::F64_PASS);
    }
    let gradient = golden_list(mark.at("grad"), Json::number);
    let what = format!("{what} gradient");
    assert_all_close(&what, &list(&step.gradient), &gradient, tolerance::F64_PASS);
}

#[test]
fn every_number_of_the_first_three_steps_matches_golden() {
    for (biases, name) in BOTH {
        for (rate, rate_name) in RATES {
            let marks = variant(name).at(rate_name).list();
            for updates in 0..3 {
                let what = format!("{name} {rate_name} {updates}");
                let step = step(&trained(biases, rate, updates), rate);
                let (mark, next) = (marks[updates as usize], marks[updates as usize + 1]);
                assert_step_is(&step, mark, &what);
                let (before, after) = (mark.at("params"), next.at("params"));
                let what = format!("{what} parameters");
                let want = golden_list(before, Json::number);
                assert_all_close(&what, &list(&step.before), &want, tolerance::F64_PASS);
                let want = golden_list(after, Json::number);
                assert_all_close(&what, &list(&step.after), &want, tolerance::F64_PASS);
                let want = next.at("loss").number();
                assert_close(&what, step.error_after, want, tolerance::F64_PASS);
            }
        }
    }
}

#[test]
fn factors_of_a_step_multiply_to_its_deltas() {
    for (biases, _) in BOTH {
        let step = step(&network::<f64>(biases), RATE);
        for unit in 0..2 {
            let delta_o = step.error_by_out_o[unit] * step.slope_o[unit];
            let delta_h = step.error_by_out_h[unit] * step.slope_h[unit];
            let sum = step.shares[0][unit] + step.shares[1][unit];
            assert_close("delta_o", step.delta_o[unit], delta_o, tolerance::F64_PASS);
            assert_close("delta_h", step.delta_h[unit], delta_h, tolerance::F64_PASS);
            assert_close("shares", step.error_by_out_h[unit], sum, tolerance::F64_PASS);
            assert_close("sum", step.error, step.errors[0] + step.errors[1], tolerance::F64_PASS);
        }
    }
}

#[test]
fn f32_losses_have_the_golden_bits() {
    for (biases, name) in BOTH {
        let marks = variant(name).at("f32_lr_0.5").at("exp_correctly_rounded").list();
        let mut losses = vec![];
        train(&mut network::<f32>(biases), 0.5, 10_000, |m| losses.push(m.loss));
        let updates: Vec<_> = marks.iter().map(|mark| mark.at("updates").count()).collect();
        assert_eq!(updates, [0, 1, 2, 10, 100, 1000, 10_000]);
        for mark in marks {
            let updates = mark.at("updates").count();
            let want = mark.at("loss").at("bits").text();
            assert_eq!(format!("{:08x}", losses[updates].to_bits()), want, "{name} {updates}");
        }
    }
}

#[test]
fn f32_parameters_have_the_golden_bits_after_one_update() {
    for (biases, name) in BOTH {
        let mark = variant(name).at("f32_lr_0.5").at("exp_correctly_rounded").nth(1);
        let Parameters { weights, biases } = step(&network::<f32>(biases), 0.5).after;
        let got: Vec<_> = weights.iter().chain(&biases).map(|v| v.to_bits()).collect();
        let want: Vec<_> =
            golden_list(mark.at("params"), Json::f32).iter().map(|v| v.to_bits()).collect();
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn f32_bits_after_10000_updates_are_pinned() {
    // What gradlet computed on x86-64; the losses are those of the golden file too.
    #[rustfmt::skip]
    let pinned: [[u32; 14]; 2] = [
        [
            0x3e1f_5596, 0x3e9f_5596, 0x3eb4_5e10, 0x3f01_2ae1, 0xbfba_d03e, 0xbfb1_f06f, 0x3fca_bce3,
            0x3fd8_ed4f, 0x3f8d_9180, 0x3f8a_9924, 0xc010_bfd7, 0x3ff7_faff, 0x3c3c_baee, 0x3f7d_118b,
        ],
        [
            0x3e1f_976c, 0x3e9f_976c, 0x3eb4_7fad, 0x3f01_4c73, 0xbfbb_1c29, 0xbfb1_6686, 0x3fcb_551c,
            0x3fd9_2df1, 0x3f8d_e3ba, 0x3f89_a56e, 0xc010_e8d7, 0x3ff7_84be, 0x3c3c_be35, 0x3f7d_1191,
        ],
    ];
    for ((biases, name), pinned) in BOTH.into_iter().zip(pinned) {
        let net = trained(biases, 0.5_f32, 10_000);
        let outputs = net.forward(&worked_net::nearest(TEXT.inputs));
        let Parameters { weights, biases } = Parameters::of_net(&net);
        let all = weights.iter().chain(&biases).chain(&outputs);
        let got: Vec<_> = all.map(|v| v.to_bits()).collect();
        assert_eq!(got, pinned, "{name}: {got:08x?}");
        let mark = variant(name).at("f32_lr_0.5").at("exp_correctly_rounded").nth(6);
        for (got, want) in got.iter().zip(golden_list(mark.at("params"), Json::f32)) {
            let ulps = support::ulps_f32(f32::from_bits(*got), want);
            assert!(ulps <= 1, "{name}: {ulps} ulp from golden");
        }
    }
}

#[test]
fn training_stops_when_saturated() {
    let (mut net, mut moments) = (network::<f32>(Biases::Declared), vec![]);
    let ending = train(&mut net, 1e30, 1000, |moment| moments.push(moment));
    assert_eq!(ending, Ending::Saturated(1));
    assert_eq!(moments.len(), 2);
    assert_eq!(moments[1].outputs, [0.0, 1.0]);
}

#[test]
fn training_stops_when_the_loss_is_not_finite() {
    let (mut net, mut moments) = (network::<f32>(Biases::Declared), vec![]);
    let ending = train(&mut net, f32::NAN, 1000, |moment: Moment<f32>| moments.push(moment));
    // The first step with such a rate is refused.
    assert_eq!((ending, moments.len()), (Ending::NotFinite(0), 0));
    assert_eq!(net, network(Biases::Declared));
}

#[test]
fn training_goes_on_when_updates_have_become_smaller_than_a_rounding() {
    let (mut net, mut last) = (network::<f32>(Biases::Declared), None);
    let ending = train(&mut net, 1e-12, 10, |moment| last = Some(moment.updates));
    assert_eq!((ending, last), (Ending::Complete, Some(10)));
    assert_eq!(net, network(Biases::Declared));
}

// The text

#[test]
fn slips_lead_to_the_numbers_of_the_text() {
    let printed = Json::file("004_bp222").at("seed_printed");
    let retraced = worked_net::retraced();
    for (name, key) in [
        ("out_h2", "out_h2"),
        ("in_o1", "in_o1"),
        ("out_o1", "out_o1"),
        ("out_o2", "out_o2"),
        ("E_o1", "E_o1_as_labelled"),
        ("E_o2", "E_o2_as_labelled"),
        ("E", "E_total"),
        ("dE/dout_o1", "dE_dout_o1"),
        ("dout_o1/din_o1", "dout_o1_din_o1"),
        ("dE/dw5", "dE_dw5"),
        ("delta_o1", "eq5.24"),
        ("dE_o1/dout_h1", "eq5.26"),
        ("dE_o2/dout_h1", "eq5.27"),
        ("dE/dout_h1", "dE_dout_h1"),
        ("dE/dw1", "dE_dw1"),
        ("w1+", "w1_plus_lr0.1"),
        ("w5+", "w5_plus_lr0.5"),
    ] {
        let is_it = |(with_slips, _): &&(String, f64)| with_slips.starts_with(&format!("{name} ("));
        let (_, retraced) = retraced.iter().find(is_it).unwrap();
        // The last of ten decimals may be off by one.
        let off = (retraced - printed.at(key).number()).abs();
        assert!(off <= 1.01e-10, "{name}: off by {off:e}");
    }
}

#[test]
fn cross_entropy_is_positive() {
    let of = |biases| worked_net::cross_entropy(&network::<f64>(biases), &TEXT);
    assert_close("declared", of(Biases::Declared), 1.782391562535311, tolerance::F64_PASS);
    assert_close("printed", of(Biases::Printed), 1.783119828822271, tolerance::F64_PASS);
}

#[test]
fn cross_entropy_derivatives_match_central_differences() {
    let net = network::<f64>(Biases::Declared);
    let [by_out, by_in] = worked_net::cross_entropy_derivatives(&net, &TEXT);
    let outputs = net.forward(&TEXT.inputs);
    for unit in 0..2 {
        let (t, y) = (TEXT.targets[unit], outputs[unit]);
        let entropy = |y: f64| -(t * y.ln() + (1.0 - t) * (1.0 - y).ln());
        let difference = (entropy(y + 1e-6) - entropy(y - 1e-6)) / 2e-6;
        assert_close("by out", by_out[unit], difference, 1e-8);
        assert_close("by in", by_in[unit], y - t, tolerance::F64_PASS);
    }
}

// Numbers of the user's own

const OWN: &str = include_str!("../../own.toml");

#[test]
fn own_numbers_match_an_independent_computation() {
    let (numbers, rate) = own::parse(OWN).unwrap();
    let (mut net, rate) = (numbers.network::<f64>(), rate.unwrap());
    let step = worked_net::step(&net, &numbers, rate);
    // Python floats, by the chain rule written out: sums of the hidden units, .., new loss.
    let want = [
        0.33749999999999997,
        -0.3075,
        0.5835831155172753,
        0.42372507750673466,
        0.6427569613288795,
        -0.0751596496126582,
        0.6553764093066997,
        0.48121892791187565,
        0.10368383707653145,
        0.023932578752014523,
        0.1028504831188062,
        -0.05461809766571931,
        0.0033611598311577475,
        -0.018636632874372713,
        0.00016805799155788739,
        0.00033611598311577477,
        -0.0009318316437186357,
        -0.0018636632874372715,
        0.06002180537092985,
        0.04358032893112126,
        -0.031874199599387296,
        -0.02314305766667732,
        0.0033611598311577475,
        -0.018636632874372713,
        0.1028504831188062,
        -0.05461809766571931,
        0.1498655536067537,
        -0.20026889278649262,
        0.25074546531497494,
        0.3014909306299498,
        0.35198255570325615,
        -0.484864263144897,
        0.5254993596795099,
        0.5685144461333419,
        0.3473110721350738,
        -0.3350906937005018,
        0.517719613504955,
        -0.5563055218674245,
        0.11114530307160371,
    ];
    let got =
        [step.in_h, step.out_h, step.in_o, step.out_o, step.errors, step.delta_o, step.delta_h];
    let all = [got.as_flattened(), &list(&step.gradient), &list(&step.after), &[step.error_after]];
    assert_all_close("own", &all.concat(), &want, tolerance::F64_PASS);
    let mut last = f64::NAN;
    worked_net::train(&mut net, &numbers, rate, 100, |moment| last = moment.loss);
    assert_close("loss after 100 updates", last, 6.423096198142763e-06, tolerance::F64_LONG);
}

#[test]
fn own_numbers_are_refused_with_line_key_and_what_was_expected() {
    let (inputs, biases) = ("; expected inputs = [i1, i2]", "; expected biases = [b1, b2, b3, b4]");
    let weights = "; expected weights = [[w1, w2], [w3, w4], [w5, w6], [w7, w8]]";
    let rate = "; expected learning_rate = a number greater than 0";
    let keys = "The keys are inputs, targets, weights, biases, learning_rate";
    for (old, new, error) in [
        ("biases = [0.35, -0.35, 0.6, -0.6]", "", format!(": the key `biases` is missing{biases}")),
        ("-0.35,", "", format!(":16: biases: 3 numbers, not 4{biases}")),
        ("    [0.25, 0.3], ", "", format!(":10: weights: 3 rows, not 4{weights}")),
        ("[0.25, 0.3]", "0.25", format!(":12: weights: not a list of 2 numbers{weights}")),
        ("0.05", "\"x\"", format!(":7: inputs: \"x\" is not a decimal number{inputs}")),
        ("0.05", "nan", format!(":7: inputs: nan is not finite in f32{inputs}")),
        ("0.05", "-inf", format!(":7: inputs: -inf is not finite in f32{inputs}")),
        ("0.05", "1e39", format!(":7: inputs: 1e39 is not finite in f32{inputs}")),
        ("0.05", "0x10", format!(":7: inputs: 0x10 is not a decimal number{inputs}")),
        ("0.8", "0", format!(":18: learning_rate: 0 is not greater than 0{rate}")),
        ("wei", "wie", format!(":10: unknown key `wieghts`; did you mean `weights`? {keys}")),
        ("targets", "inputs", ":8: this is not TOML: duplicate key".to_owned()),
    ] {
        let text = OWN.replace(old, new);
        assert_ne!(text, OWN, "{old}");
        assert_eq!(own::parse(&text), Err(error));
    }
    let (_, rate) = own::parse(&OWN.replace("learning_rate", "# learning_rate")).unwrap();
    assert_eq!(rate, None);
}
