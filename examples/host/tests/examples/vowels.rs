//! The example `vowels`: its data, its networks, what they learn, and its program.
#![cfg(feature = "devices")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use devices::training::{Plan, hash};
use devices::vowels::{
    FRAMES, JAPANESE_VOWELS, Learner, Net, PLAN, Padded, SPEAKERS, TRAINING, Utterances,
};
use examples::learning::is_tested;
use examples::vowels::{PERCEPTRON_RATE, Perceptron, Run, Shown, answers, decided, states, train};
use gradlet::{Streaming, prelude::*};
use rand_pcg::Pcg32;
use support::program::{Program, assert_fits, text_of};

const PROGRAM: Program =
    Program { path: env!("CARGO_BIN_EXE_vowels"), scratch: env!("CARGO_TARGET_TMPDIR") };

// Data

#[test]
fn data_of_the_repository_are_whole() {
    let [training, test] = Utterances::all();
    let counts = |utterances: Utterances<'_>| {
        let mut counts = [0; SPEAKERS];
        utterances.iter().for_each(|utterance| counts[utterance.speaker] += 1);
        counts
    };
    // As the page of the data set says.
    assert_eq!(counts(training), [30; 9]);
    assert_eq!(training.iter().count(), TRAINING as usize);
    assert_eq!(counts(test), [31, 35, 88, 44, 29, 24, 40, 50, 29]);
    let lengths = || training.iter().chain(test.iter()).map(|utterance| utterance.count());
    assert_eq!((lengths().min(), lengths().max()), (Some(7), Some(FRAMES)));
    let bytes: usize = lengths().map(|frames| 2 + 12 * frames).sum();
    assert_eq!(bytes, JAPANESE_VOWELS.len(), "nothing is left over");
    for channel in 0..12 {
        let values = || training.iter().flat_map(|spoken| spoken.frames().collect::<Vec<_>>());
        let values: Vec<_> = values().map(|frame| f64::from(frame[channel])).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / 4274.0;
        assert_eq!(values.len(), 4274);
        assert!(mean(&values).abs() < 0.005, "{channel}");
        let squares: Vec<_> = values.iter().map(|value| value * value).collect();
        assert!((mean(&squares) - 1.0).abs() < 0.005, "{channel}");
    }
    // `masked` would leave such a frame out.
    for spoken in training.iter().chain(test.iter()) {
        assert!(spoken.frames().all(|frame| frame != [0.0; 12]));
    }
}

#[test]
fn utterances_are_read_from_bytes() {
    let mut bytes = vec![7, 2];
    bytes.extend((0..24).map(|number: u8| number.wrapping_mul(32)));
    bytes.extend([3, 1]);
    bytes.extend([16; 11]);
    let all = Utterances(&bytes);
    let utterances: Vec<_> = all.iter().collect();
    // The last frame is not whole.
    assert_eq!(utterances.len(), 1);
    let spoken = utterances[0];
    assert_eq!((spoken.speaker, spoken.count(), spoken.frames().count()), (7, 2, 2));
    let first = [0.0, 1.0, 2.0, 3.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0];
    assert_eq!(spoken.frames().next(), Some(first));
    let input = spoken.input(1).unwrap();
    assert_eq!((input[28], input[27]), (first, [0.0; 12]));
    let whole = spoken.input(9).unwrap();
    assert_eq!((whole[27], whole[26]), (first, [0.0; 12]));
    assert_eq!(Utterances(&[]).iter().count(), 0);
    let too_long = [&[0, 30][..], &[1; 360]].concat();
    let too_long = Utterances(&too_long).iter().next().unwrap();
    assert_eq!((too_long.count(), too_long.input(30)), (30, None));
    assert_eq!(too_long.input(FRAMES), Some([[1.0 / 32.0; 12]; FRAMES]));
}

/// Half of the inputs are whole, and all others as likely; noise is near, and in frames only.
#[test]
fn inputs_vary() {
    let [training, _] = Utterances::all();
    let spoken = training.iter().next().unwrap();
    let mut rng = Pcg32::new(1, 1);
    let mut counts = [0; FRAMES + 1];
    let mut sum = 0.0;
    for _ in 0..4000 {
        let input = spoken.varied(&mut rng).unwrap();
        let count = input.iter().filter(|frame| **frame != [0.0; 12]).count();
        counts[count] += 1;
        let plain = spoken.input(count).unwrap();
        let differences = |a: &Padded, b: &Padded| {
            let pairs = a.as_flattened().iter().zip(b.as_flattened());
            pairs.map(|(a, b)| f64::from(a - b)).collect::<Vec<_>>()
        };
        let noise = differences(&input, &plain);
        assert!(noise.iter().all(|noise| (-1.0..1.0).contains(noise)));
        assert!(noise[..12 * (FRAMES - count)].iter().all(|noise| *noise == 0.0));
        sum += noise[12 * FRAMES - 1];
    }
    assert_eq!(spoken.count(), 20);
    assert!((counts[20] - 2100_i32).abs() < 200, "{counts:?}");
    assert!(counts[1..20].iter().all(|count| (60..150).contains(count)), "{counts:?}");
    assert_eq!((counts[0], counts[21..].iter().sum::<i32>()), (0, 0));
    assert!((sum / 4000.0).abs() < 0.05, "{sum}");
}

// Networks and training

#[test]
fn networks_have_the_sizes_that_the_pages_say() {
    assert_eq!((Net::PARAMS, Perceptron::PARAMS), (1593, 11_465));
    assert_eq!((size_of::<Net>(), Learner::<Net>::BYTES), (6372, 15_852));
    assert_eq!(Streaming::<Net>::STATE_BYTES, 68);
    assert_eq!(PLAN.steps().map(|step| step.1).next(), Some(0.1));
}

#[test]
fn learner_bears_what_is_no_speaker() {
    let mut learner = Learner::<Net>::ZERO;
    learner.start(3);
    let before = learner.net().clone();
    assert_eq!(learner.learn(&[[1.0; 12]; FRAMES], SPEAKERS, 0.1), None);
    assert_eq!(learner.net(), &before);
    let loss = learner.learn(&[[1.0; 12]; FRAMES], 8, 0.1).unwrap();
    assert!(loss > 0.5 && loss < 10.0, "{loss}");
    assert_ne!(learner.net(), &before);
}

#[test]
fn networks_are_tested_more_often_at_first() {
    let plan = Plan { epochs: 3, samples: 50, ..PLAN };
    let tested: Vec<_> = (1..=150).filter(|samples| is_tested(*samples, 10, &plan)).collect();
    assert_eq!(tested, [10, 20, 40, 50, 100, 150]);
}

#[test]
fn answers_are_decided_when_they_stay_the_same() {
    for (answers, frames) in [
        (&[2, 2, 2][..], 1),
        (&[1, 2, 2], 2),
        (&[2, 1, 2], 3),
        (&[2, 2, 1], 3),
        (&[5], 1),
        (&[], 1),
    ] {
        assert_eq!(decided(answers), frames, "{answers:?}");
    }
}

/// What the page says of seed 1; the firmware's test compares it with an emulated device.
#[test]
fn firmware_page_shows_the_hash_of_this_machine() {
    let mut epochs = 0;
    let Run { learner, curve, matrix, by_frame, .. } =
        train::<Net>(&PLAN, Shown::Varied, || epochs += 1);
    assert_eq!((epochs, matrix.count()), (60, 370));
    assert_eq!((curve[0].0, curve[1].0, curve.last().unwrap().0), (0, 10, 16_200));
    let right: u32 = (0..SPEAKERS).map(|speaker| matrix.counts()[speaker][speaker]).sum();
    let page = include_str!("../../../firmware/README.md");
    let lines = format!(
        "after 16200 utterances: right of 370 {right}\nhash of the parameters {:016x}\n",
        hash(learner.net())
    );
    assert!(page.contains(&lines), "{lines}");
    assert!(by_frame[0] > 80.0 && by_frame[9] > 94.0 && by_frame[28] > 97.0, "{by_frame:?}");

    // Frame by frame, with the bits of the utterance so far.
    let [_, test] = Utterances::all();
    let bits = |shares: &[f32]| shares.iter().map(|share| share.to_bits()).collect::<Vec<_>>();
    for spoken in test.iter().step_by(10) {
        let mut listener = Streaming::new(learner.net());
        for (frame, count) in spoken.frames().zip(1..) {
            let whole = learner.net().forward(&spoken.input(count).unwrap());
            assert_eq!(bits(&listener.step(&frame)), bits(&whole));
        }
    }
    let spoken = test.iter().nth(157).unwrap();
    let heard = states(&learner, spoken);
    let named = answers(&learner, spoken);
    assert_eq!((heard.len(), named.len(), spoken.speaker), (21, 21, 3));
    for ((state, shares), answer) in heard.iter().zip(named) {
        assert!(state.len() == 16 && state.iter().all(|value| value.abs() <= 1.0));
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        assert!(shares.iter().all(|share| *share <= shares[answer]));
    }
}

/// The perceptron is no worse, and the page says so; but it does not know the beginning.
#[test]
fn perceptron_needs_whole_utterances() {
    let plan = Plan { epochs: 10, rate: PERCEPTRON_RATE, ..PLAN };
    let [whole, varied] =
        [Shown::Whole, Shown::Varied].map(|shown| train::<Perceptron>(&plan, shown, || ()));
    assert!(whole.accuracy() > 97.0, "{}", whole.accuracy());
    assert!(whole.by_frame[3] < 50.0, "{:?}", whole.by_frame);
    assert!(varied.by_frame[3] > 60.0, "{:?}", varied.by_frame);
}

#[test]
#[ignore = "takes half a minute"]
fn ten_networks_have_the_accuracy_that_the_page_says() {
    let folder = PROGRAM.folder("page");
    let text = text_of(&PROGRAM.run(&["--output", &folder]).stdout);
    let page = include_str!("../../../README.md");
    for row in ["GRU", "perceptron, whole utterances", "perceptron, some end early"] {
        let said = text.lines().find(|line| line.starts_with(&format!("{row}  "))).unwrap();
        let numbers: Vec<f64> =
            said[row.len()..].split_whitespace().map(|word| word.parse().unwrap()).collect();
        let written = page.lines().find(|line| line.starts_with(&format!("| {row} |"))).unwrap();
        let cells = written.replace(',', "");
        let cells: Vec<f64> =
            cells.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
        assert_eq!(numbers, cells, "{row}");
        assert!(row != "GRU" || cells[6] >= 97.5);
    }
}

// Program

#[test]
fn program_tells_and_draws() {
    let text = PROGRAM.quick(&["accuracy", "confusion", "frames", "states"]);
    assert!(text.contains("1593 parameters") && text.contains("15852 in all"), "{text}");
    assert!(text.contains("Training: 4 epochs of 270 utterances"), "{text}");
    assert!(text.contains("does not\nneed a recurrent network"), "{text}");
    assert!(text.contains("\ntarget \\ output") && text.contains("by speaker 3"), "{text}");
}

#[test]
fn options_are_explained_and_checked() {
    let folder = PROGRAM.folder("options");
    PROGRAM.refuses(&[(["--utterance", "370"], "0..=369"), (["--epochs", "0"], "1..=10000")]);
    let small = ["--epochs", "1", "--seeds", "1", "--seed", "1000000", "--utterance", "369"];
    let output = PROGRAM.run(&[&small[..], &["--output", &folder]].concat());
    let text = text_of(&output.stdout);
    assert_fits(&text, &folder);
    assert!(text.contains("\n   1000000") && text.contains("Utterance 369"), "{text}");
}
