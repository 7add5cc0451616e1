//! The example `digits`: its runs against those of numpy, and its reader of files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic"
)]
#![allow(dead_code, reason = "only the program needs all of it")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use examples::digits::{Mark, delta_rule, idx, judge, likeness, right, softmax, weight_images};
use flate2::Compression;
use flate2::write::GzEncoder;
use gradlet::{Number, Scalar};
use idx::{Data, Digits};
use support::{Json, assert_close, tolerance};

fn small() -> Data<64> {
    idx::digits8x8(&idx::own_data()).unwrap()
}

fn large() -> Data<784> {
    idx::mnist_subset(&idx::own_data()).unwrap()
}

fn golden(name: &str) -> Json<'static> {
    Json::file("001_digits").at(name)
}

// Learning

/// Asserts the golden number of right answers after each epoch, and the sum of squared errors.
#[track_caller]
fn assert_marks(got: &[Mark], want: &[Json<'_>], slack: u32, sum: f64) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        let count = |key: &str| want.at(key).count() as u32;
        assert_eq!(got.epoch, count("epoch"));
        for (got, key) in [(got.train_correct, "train_correct"), (got.test_correct, "test_correct")]
        {
            assert!(got.abs_diff(count(key)) <= slack, "{key}: {got}, golden {}", count(key));
        }
        if let Some(want) = want.get("sum_sq_error_seen") {
            // The loss is half of that, divided by the 1000 examples.
            assert_close("sum of squares", 2000.0 * got.loss, want.number(), sum);
        }
    }
}

fn delta_rule_matches<const PIXELS: usize, T: Scalar>(
    data: &Data<PIXELS>,
    run: Json<'_>,
    trace: &str,
    slack: u32,
    sum: f64,
) {
    let trace = run.at(trace).list();
    let alpha = T::from_f64(run.at("alpha").number());
    let mut learned = 0;
    let trained = delta_rule(data, alpha, trace.len() as u32, || learned += 1);
    assert_eq!(learned, 1000 * trace.len());
    assert!(!trained.diverged);
    assert_marks(&trained.marks, &trace, slack, sum);
    assert!(trained.net.bias().iter().all(|b| b.to_f64() == 0.0));
}

#[test]
fn delta_rule_matches_golden_in_f64() {
    let close = tolerance::F64_LONG;
    let slack = tolerance::DIGITS_CORRECT_F64;
    let run = golden("digits8x8_linear_delta_rule");
    delta_rule_matches::<64, f64>(&small(), run, "trace", slack, close);
    let run = golden("mnist1000_linear_delta_rule");
    delta_rule_matches::<784, f64>(&large(), run, "trace", slack, close);
}

#[test]
fn delta_rule_matches_golden_in_f32() {
    let (slack, close) = (tolerance::DIGITS_CORRECT_F32, tolerance::DIGITS_SUM_F32);
    let run = golden("digits8x8_linear_delta_rule");
    delta_rule_matches::<64, f32>(&small(), run, "trace_f32", slack, close);
    let run = golden("mnist1000_linear_delta_rule");
    delta_rule_matches::<784, f32>(&large(), run, "trace", slack, close);
}

#[test]
fn delta_rule_is_right_as_often_as_golden_says() {
    let of = |marks: Vec<Mark>| marks.iter().map(|mark| mark.test_correct).collect::<Vec<_>>();
    let tests = of(delta_rule(&small(), 0.01_f32, 10, || ()).marks);
    assert_eq!((tests[0], tests.iter().max()), (691, Some(&710)));
    let tests = of(delta_rule(&large(), 0.002_f32, 5, || ()).marks);
    assert_eq!((tests[0], tests[4]), (394, 404));
}

#[test]
fn weights_of_the_delta_rule_match_golden() {
    let run = golden("digits8x8_linear_delta_rule");
    let net = delta_rule(&small(), 0.01_f64, 10, || ()).net;
    let images = weight_images(&net);
    let want = run.at("weights_after_10_epochs").numbers();
    for (got, want) in images.concat().iter().zip(&want) {
        assert!((got - want).abs() <= tolerance::F64_LONG, "{got} is not {want}");
    }
    assert_eq!(images.concat().len(), want.len());
    let likeness = likeness(&images, &small().train, 16);
    let want = run.at("correlation_of_weight_image_with_class_mean_minus_overall_mean").numbers();
    support::assert_all_close("correlation", &likeness, &want, tolerance::F64_LONG);
    let run = golden("mnist1000_linear_delta_rule");
    let images = weight_images(&delta_rule(&large(), 0.002_f64, 5, || ()).net);
    let sizes: Vec<f64> = images.iter().map(|image| image.iter().map(|w| w.abs()).sum()).collect();
    let want = run.at("abs_weight_sum_per_digit").numbers();
    support::assert_all_close("sizes", &sizes, &want, tolerance::F64_LONG);
}

#[test]
fn softmax_matches_golden() {
    let (f64_slack, f32_slack) = (tolerance::DIGITS_CORRECT_F64, tolerance::DIGITS_CORRECT_F32);
    let (run, data) = (golden("digits8x8_softmax_sgd"), small());
    let rate = run.at("lr").number();
    let trained = softmax(&data, rate, 5, || ());
    assert_marks(&trained.marks, &run.at("trace").list(), f64_slack, 0.0);
    let want = run.at("bias_final").numbers();
    support::assert_all_close("bias", trained.net.bias(), &want, tolerance::F64_LONG);
    let trained = softmax(&data, f32::from_f64(rate), 5, || ());
    assert_marks(&trained.marks, &run.at("trace").list(), f32_slack, 0.0);
    assert_eq!(trained.marks[4].test_correct, 735);
    let (run, data) = (golden("mnist1000_softmax_sgd"), large());
    let trained = softmax(&data, f32::from_f64(run.at("lr").number()), 5, || ());
    assert_marks(&trained.marks, &run.at("trace").list(), f32_slack, 0.0);
    assert_eq!(trained.marks[4].test_correct, 428);
}

#[test]
fn confusion_matrix_counts_every_test_digit() {
    let data = large();
    let trained = softmax(&data, 0.01_f32, 1, || ());
    let matrix = judge(&*trained.net, &data.test, data.black);
    assert_eq!(matrix.count(), 500);
    assert_eq!(right(&matrix), trained.marks[0].test_correct);
    assert!(matrix.counts().iter().all(|row| row.iter().sum::<u32>() == 50));
}

#[test]
fn divergence_ends_training() {
    let trained = delta_rule(&small(), 1.0_f32, 5, || ());
    assert!(trained.diverged);
    assert!(trained.marks.is_empty());
}

mod hidden_layer {
    use super::large;
    use examples::digits::{Net, Trained, hidden, softmax};
    use gradlet::{Relu, Tanh, init};

    fn relu(seed: u64, epochs: u32) -> Trained<Net<784, Relu>> {
        hidden(&large(), init::he_uniform, seed, 0.02, epochs, || ())
    }

    #[test]
    fn repeats_its_bits() {
        let first = relu(1, 1);
        assert_eq!(first.net, relu(1, 1).net);
        assert_ne!(first.net, relu(2, 1).net);
    }

    #[test]
    #[cfg_attr(debug_assertions, ignore = "takes a minute when not optimised")]
    fn beats_the_linear_network() {
        let linear = softmax(&large(), 0.01_f32, 5, || ()).marks[4].test_correct;
        let relu = relu(1, 10);
        let best = relu.marks.iter().map(|mark| mark.test_correct).max().unwrap();
        assert!(best > linear, "{best} of 500, linear {linear}");
        let tanh = hidden::<784, Tanh>(&large(), init::xavier_uniform, 1, 0.02, 10, || ());
        assert!(tanh.marks[9].test_correct > 400);
    }
}

// Files

/// A file in the folder of the tests.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("digits");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two images of 2 x 2 pixels.
const IMAGES: [u8; 24] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 255];
const LABELS: [u8; 10] = [0, 0, 8, 1, 0, 0, 0, 2, 9, 0];

#[test]
fn files_are_read_plain_and_compressed() {
    let want = Digits { images: vec![[1, 2, 3, 4], [5, 6, 7, 255]], labels: vec![9, 0] };
    let plain = Digits::read(&file("images", &IMAGES), &file("labels", &LABELS)).unwrap();
    assert_eq!(plain, want);
    let (images, labels) = (gzip(&IMAGES), gzip(&LABELS));
    // The name does not matter.
    let packed = Digits::read(&file("images.bin", &images), &file("labels.gz", &labels)).unwrap();
    assert_eq!(packed, want);
    let (first, second) = want.split(1);
    assert_eq!((first.labels, second.images), (vec![9], vec![[5, 6, 7, 255]]));
}

#[test]
fn data_of_the_repository_are_whole() {
    let (small, large) = (small(), large());
    assert_eq!((small.train.count(), small.test.count()), (1000, 797));
    assert_eq!((large.train.count(), large.test.count()), (1000, 500));
    for (data, each) in [(&large.train, 100), (&large.test, 50)] {
        for digit in 0..10 {
            assert_eq!(data.labels.iter().filter(|&&label| label == digit).count(), each);
        }
    }
    assert_eq!(small.train.images.iter().flatten().max(), Some(&16));
    assert_eq!(large.train.images.iter().flatten().max(), Some(&255));
}

/// The message for a file of images, or else for a file of labels.
fn message(test: &str, images: &[u8], labels: &[u8]) -> String {
    let name = |kind: &str| format!("{test}_{kind}");
    let (images, labels) = (file(&name("images"), images), file(&name("labels"), labels));
    let error = Digits::<4>::read(&images, &labels).unwrap_err();
    error.to_string()
}

#[test]
fn wrong_files_are_named_with_what_was_expected() {
    let with = |at: usize, byte: u8| {
        let mut bytes = IMAGES;
        bytes[at] = byte;
        bytes
    };
    let label = |at: usize, byte: u8| {
        let mut bytes = LABELS;
        bytes[at] = byte;
        bytes
    };
    let longer = [&IMAGES[..], &[0]].concat();
    let cases: [(&[u8], &[u8], &str, &str); 14] = [
        (
            &LABELS,
            &LABELS,
            "bad_images",
            "begin with 0x00000803, but begins with 0x00000801, which means labels",
        ),
        (
            &IMAGES,
            &IMAGES,
            "bad_labels",
            "begin with 0x00000801, but begins with 0x00000803, which means images",
        ),
        (b"GIF89a", &LABELS, "bad_images", "but begins with 0x47494638"),
        (&[], &LABELS, "bad_images", "has 0 bytes, fewer than the 16"),
        (&IMAGES[..15], &LABELS, "bad_images", "has 15 bytes, fewer than the 16"),
        (&IMAGES, &LABELS[..7], "bad_labels", "has 7 bytes, fewer than the 8"),
        (&IMAGES[..23], &LABELS, "bad_images", "has 23 bytes; by its header 24 were expected"),
        (&longer, &LABELS, "bad_images", "goes on after the 24 bytes"),
        (&with(4, 255), &LABELS, "bad_images", "has 24 bytes; by its header 17112760344 were"),
        (&with(11, 3), &LABELS, "bad_images", "have 3 x 2 pixels; 2 x 2 were expected"),
        (&IMAGES, &label(8, 10), "bad_labels", "label 0 of"),
        (&IMAGES, &label(7, 3), "bad_labels", "has 10 bytes; by its header 11 were"),
        (&with(7, 0)[..16], &LABELS, "bad_images", "is empty: at least one"),
        (&with(7, 1)[..20], &LABELS, "bad_labels", "has 2 labels, but"),
    ];
    for (images, labels, name, want) in cases {
        let message = message("bad", images, labels);
        assert!(message.contains(&format!("{name}`")), "{message}");
        assert!(message.contains(want), "{message}");
    }
}

#[test]
fn damaged_and_missing_files_are_named() {
    let packed = gzip(&IMAGES);
    let message_of = |bytes: &[u8]| message("damaged", bytes, &LABELS);
    assert!(message_of(&packed[..packed.len() - 12]).starts_with("cannot read `"));
    let mut damaged = packed.clone();
    let middle = damaged.len() - 6;
    damaged[middle] ^= 0xff;
    assert!(message_of(&damaged).starts_with("cannot read `"), "{}", message_of(&damaged));
    let labels = file("labels_only", &LABELS);
    let error = Digits::<4>::read(Path::new("/no/such/images"), &labels).unwrap_err();
    assert!(error.to_string().starts_with("cannot read `/no/such/images`: "), "{error}");
}

#[test]
fn digits_of_the_repository_that_are_missing_are_named_with_what_to_do() {
    let nowhere = Path::new("/no/such/folder");
    let missing = [
        (idx::digits8x8(nowhere).unwrap_err(), "digits8x8-images-idx3-ubyte.gz"),
        (idx::mnist_subset(nowhere).unwrap_err(), "mnist1000-images-idx3-ubyte.gz"),
    ];
    for (error, file) in missing {
        assert!(error.is_absence);
        let message = error.to_string();
        let path = nowhere.join(file);
        assert!(message.starts_with(&format!("`{}` is missing", path.display())), "{message}");
        for option in ["--data", "--train-images", "--train-labels", "--test-images"] {
            assert!(message.contains(option), "{message}");
        }
    }
}
