//! Focal loss: PyTorch's numbers, cross-entropies, and the ends of the range.
#![allow(clippy::float_cmp, clippy::cast_possible_truncation, reason = "tests compare exactly")]

use gradlet::fast::{Sigmoid as FastSigmoid, Softmax as FastSoftmax};
use gradlet::prelude::*;
use support::{Rng, assert_all_close, assert_close, tolerance};

use crate::losses::{delta, evaluate, loss};

/// Loss and delta in both types.
fn assert_known<L, A, const N: usize>(z: [f64; N], t: [f64; N], want: f64, want_delta: [f64; N])
where
    L: Loss<A> + Loss<A, f64>,
    A: Activation + Activation<f64>,
{
    fn check<L: Loss<A, T>, A: Activation<T>, T: Scalar, const N: usize>(
        z: [f64; N],
        t: [f64; N],
        want: (f64, [f64; N]),
        epsilon: f64,
    ) {
        let what = format!("{} of {z:?}, {t:?}", core::any::type_name::<(L, A, T)>());
        let (z, t) = (z.map(T::from_f64), t.map(T::from_f64));
        let got = loss::<L, A, T, N>(z, t).to_f64();
        let allowed = tolerance::LOSS_EPSILONS * epsilon * want.0 + f64::from(f32::MIN_POSITIVE);
        assert!((got - want.0).abs() <= allowed, "{what}: got {got:e}, want {:e}", want.0);
        // From the outputs, which are known to within an epsilon.
        for (got, want) in delta::<L, A, T, N>(z, t).into_iter().zip(want.1) {
            let got = got.to_f64();
            let relative = tolerance::DERIVATIVE_RELATIVE_EPSILONS * epsilon * want.abs();
            let allowed = relative + tolerance::DERIVATIVE_EPSILONS * epsilon;
            assert!((got - want).abs() <= allowed, "delta, {what}: got {got:e}, want {want:e}");
        }
    }
    check::<L, A, f64, N>(z, t, (want, want_delta), f64::EPSILON);
    check::<L, A, f32, N>(z, t, (want, want_delta), f32::EPSILON.into());
}

#[test]
fn focal_losses_of_labels_match_known_values() {
    fn check<A: Activation + Activation<f64>>()
    where
        Focal: Loss<A> + Loss<A, f64>,
        Focal<1, 2>: Loss<A> + Loss<A, f64>,
        Focal<0>: Loss<A> + Loss<A, f64>,
    {
        for (z, t, [two, half, zero]) in LABELS {
            assert_known::<Focal, A, 1>([z], [t], two.0, [two.1]);
            assert_known::<Focal<1, 2>, A, 1>([z], [t], half.0, [half.1]);
            assert_known::<Focal<0>, A, 1>([z], [t], zero.0, [zero.1]);
        }
    }
    check::<Sigmoid>();
    check::<FastSigmoid>();
}

#[test]
fn focal_losses_of_classes_match_known_values() {
    fn check<A: Activation + Activation<f64>>()
    where
        Focal: Loss<A> + Loss<A, f64>,
        Focal<1, 2, 1, 1>: Loss<A> + Loss<A, f64>,
        Focal<0, 1, 1, 1>: Loss<A> + Loss<A, f64>,
    {
        for (z, t, [two, half, zero]) in CLASSES {
            assert_known::<Focal, A, 3>(z, t, two.0, two.1);
            assert_known::<Focal<1, 2, 1, 1>, A, 3>(z, t, half.0, half.1);
            assert_known::<Focal<0, 1, 1, 1>, A, 3>(z, t, zero.0, zero.1);
        }
    }
    check::<Softmax>();
    check::<FastSoftmax>();
}

#[test]
fn focal_losses_keep_their_digits_near_zero() {
    for z in [10.0, 20.0, 40.0, 80.0_f64] {
        let rest = 1.0 / (1.0 + z.exp());
        let want = 0.25 * rest * rest * (-z).exp().ln_1p();
        let got = loss::<Focal, Sigmoid, f64, 1>([z], [1.0]);
        assert!(
            (got / want - 1.0).abs() <= tolerance::LOSS_EPSILONS * f64::EPSILON,
            "{z}: {got:e}"
        );
        let got = loss::<Focal, Softmax, f64, 2>([z, 0.0], [1.0, 0.0]);
        assert!(
            (got / want - 1.0).abs() <= tolerance::LOSS_EPSILONS * f64::EPSILON,
            "{z}: {got:e}"
        );
        // So does the derivative, where the output is near 0 and not near 1.
        let want = 0.75 * rest * rest * (rest - 2.0 * (1.0 - rest) * (-rest).ln_1p());
        let [got] = delta::<Focal, Sigmoid, f64, 1>([-z], [0.0]);
        assert!(
            (got / want - 1.0).abs() <= tolerance::LOSS_EPSILONS * f64::EPSILON,
            "{z}: {got:e}"
        );
    }
}

#[test]
fn focal_losses_with_an_exponent_of_0_are_cross_entropies() {
    let mut rng = Rng(8);
    for _ in 0..100 {
        let (z, t) = (rng.array::<f64, 3>(-10.0, 10.0), rng.array::<f64, 3>(0.0, 1.0));
        let got = loss::<Focal<0, 1, 1, 2>, Sigmoid, f64, 3>(z, t);
        let want = loss::<BinaryCrossEntropy, Sigmoid, f64, 3>(z, t);
        assert_close("labels", got, 0.5 * want, tolerance::F64_PASS);
        let t = t.map(|share| share / t.iter().sum::<f64>());
        let got = loss::<Focal<0, 1, 1, 1>, Softmax, f64, 3>(z, t);
        let want = loss::<CrossEntropy, Softmax, f64, 3>(z, t);
        assert_close("classes", got, want, tolerance::F64_PASS);
        let got = delta::<Focal<0, 1, 1, 1>, Softmax, f64, 3>(z, t);
        let want = delta::<CrossEntropy, Softmax, f64, 3>(z, t);
        assert_all_close("delta", &got, &want, tolerance::F64_PASS);
    }
}

#[test]
fn focal_losses_are_right_for_the_largest_logits() {
    fn check<Yes: Activation, Class: Activation>()
    where
        Focal: Loss<Yes> + Loss<Class>,
        Focal<1, 2>: Loss<Class>,
    {
        const MAX: f32 = f32::MAX;
        assert_eq!(evaluate::<Focal, Yes, f32, 1>([MAX], [1.0]), (0.0, [1.0]));
        assert_eq!(evaluate::<Focal, Yes, f32, 1>([MAX], [0.0]), (0.75 * MAX, [1.0]));
        assert_eq!(evaluate::<Focal, Yes, f32, 1>([-MAX], [1.0]), (0.25 * MAX, [0.0]));
        assert_eq!(delta::<Focal, Yes, f32, 1>([MAX], [0.0]), [0.75]);
        assert_eq!(delta::<Focal, Yes, f32, 1>([-MAX], [1.0]), [-0.25]);
        assert_eq!(delta::<Focal, Yes, f32, 1>([MAX], [1.0]), [0.0]);
        let classes = |z, t| evaluate::<Focal, Class, f32, 2>(z, t);
        assert_eq!(classes([MAX, -MAX], [1.0, 0.0]), (0.0, [1.0, 0.0]));
        assert_eq!(classes([MAX, 0.0], [0.0, 1.0]), (0.25 * MAX, [1.0, 0.0]));
        // Twice the largest number is none.
        assert_eq!(classes([MAX, -MAX], [0.0, 1.0]), (f32::INFINITY, [1.0, 0.0]));
        assert_eq!(delta::<Focal, Class, f32, 2>([MAX, -MAX], [0.0, 1.0]), [0.25, -0.25]);
        // A power below 1 has an infinite slope at 0.
        assert_eq!(delta::<Focal<1, 2>, Class, f32, 2>([MAX, -MAX], [1.0, 0.0]), [0.0, 0.0]);
    }
    check::<Sigmoid, Softmax>();
    check::<FastSigmoid, FastSoftmax>();
}

#[test]
fn focal_losses_accept_the_targets_of_cross_entropies() {
    assert!(<Focal as Loss<Sigmoid>>::accepts(&[0.0, 0.5, 1.0]));
    assert!(!<Focal as Loss<Sigmoid>>::accepts(&[-1.0, 1.0]));
    assert!(<Focal as Loss<Softmax>>::accepts(&[0.333, 0.333, 0.333]));
    assert!(!<Focal as Loss<Softmax>>::accepts(&[0.0, 3.0, 0.0]));
    assert!(loss::<Focal, Sigmoid, f32, 2>([0.5; 2], [-1.0, 1.0]).is_nan());
    assert!(loss::<Focal, Softmax, f32, 2>([0.5; 2], [0.0, 2.0]).is_nan());
}

// By mpmath 1.3.0 with 60 digits, rounded once to `f64`; derivatives are its `diff` with 120 digits.
// PyTorch 2.15.0 with the equations of `torchvision.ops.sigmoid_focal_loss`, and of its product with
// `log_softmax` for classes, gives the same in `f64` to within 1e-13, and has fewer digits near 0.

/// `z` and `t`; loss and `dE/dz` with exponents of 2, 1/2 and 0, and a factor of 1/4.
type Labels = [(f64, f64, [(f64, f64); 3]); 18];

const LABELS: Labels = [
    (
        -40.0,
        0.0,
        [
            (5.750736055291499e-53, 1.7252208165874497e-52),
            (6.567383072022391e-27, 9.851074608033585e-27),
            (3.1862656914686917e-18, 3.1862656914686917e-18),
        ],
    ),
    (-40.0, 1.0, [(10.0, -0.25000000000000006), (10.0, -0.25), (10.0, -0.25)]),
    (
        -8.0,
        0.0,
        [
            (2.8289777571984528e-11, 8.484561499928836e-11),
            (4.6066138965924204e-06, 6.90837597313862e-06),
            (0.00025155477967182664, 0.00025151259784985855),
        ],
    ),
    (
        -8.0,
        1.0,
        [
            (1.9987426197609226, -0.2510891289341158),
            (1.9997484592821144, -0.2502095621981224),
            (2.000083851593224, -0.24991616246738338),
        ],
    ),
    (
        -3.0,
        0.0,
        [
            (8.196249337274815e-05, 0.00023615388486621097),
            (0.00793582638704697, 0.011525852269276009),
            (0.03644051368030654, 0.03556940488317509),
        ],
    ),
    (
        -3.0,
        1.0,
        [
            (0.6915701102563155, -0.2816874701587221),
            (0.7438545824125478, -0.2500668349613723),
            (0.7621468378934355, -0.2381435317056083),
        ],
    ),
    (
        -0.5,
        0.0,
        [
            (0.05068011788812773, 0.10345274801318581),
            (0.21847009885979812, 0.2419773996420696),
            (0.35555773813508, 0.2831555015986091),
        ],
    ),
    (
        -0.5,
        1.0,
        [
            (0.09435290021485244, -0.13153795546864575),
            (0.19212716807555397, -0.15904193121100757),
            (0.24351924604502667, -0.15561483280046365),
        ],
    ),
    (
        0.0,
        0.0,
        [
            (0.12996509635498973, 0.22371509635498973),
            (0.3675968038007052, 0.35706424389513164),
            (0.5198603854199589, 0.375),
        ],
    ),
    (
        0.0,
        1.0,
        [
            (0.04332169878499658, -0.07457169878499659),
            (0.1225322679335684, -0.11902141463171054),
            (0.17328679513998632, -0.125),
        ],
    ),
    (
        0.5,
        0.0,
        [
            (0.28305870064455735, 0.39461386640593726),
            (0.5763815042266619, 0.47712579363302265),
            (0.73055773813508, 0.4668444984013909),
        ],
    ),
    (
        0.5,
        1.0,
        [
            (0.01689337262937591, -0.034484249337728604),
            (0.07282336628659938, -0.0806591332140232),
            (0.11851924604502667, -0.09438516719953637),
        ],
    ),
    (
        3.0,
        0.0,
        [
            (2.0747103307689465, 0.8450624104761664),
            (2.2315637472376433, 0.7502005048841168),
            (2.2864405136803065, 0.7144305951168249),
        ],
    ),
    (
        3.0,
        1.0,
        [
            (2.7320831124249382e-05, -7.871796162207033e-05),
            (0.0026452754623489906, -0.0038419507564253362),
            (0.012146837893435515, -0.011856468294391695),
        ],
    ),
    (
        8.0,
        0.0,
        [
            (5.996227859282768, 0.7532673868023473),
            (5.999245377846344, 0.7506286865943673),
            (6.0002515547796715, 0.7497484874021502),
        ],
    ),
    (
        8.0,
        1.0,
        [
            (9.429925857328176e-12, -2.8281871666429453e-11),
            (1.5355379655308067e-06, -2.302791991046207e-06),
            (8.385159322394221e-05, -8.383753261661953e-05),
        ],
    ),
    (40.0, 0.0, [(30.0, 0.7500000000000002), (30.0, 0.7500000000000001), (30.0, 0.75)]),
    (
        40.0,
        1.0,
        [
            (1.9169120184305e-53, -5.750736055291499e-53),
            (2.18912769067413e-27, -3.2836915360111954e-27),
            (1.0620885638228972e-18, -1.0620885638228972e-18),
        ],
    ),
];

/// `z` and `t`; loss and `dE/dz` with exponents of 2, 1/2 and 0, and factors of 1/4, 1 and 1.
type Classes = [([f64; 3], [f64; 3], [(f64, [f64; 3]); 3]); 8];

const CLASSES: Classes = [
    (
        [1.0, 2.0, -1.0],
        [1.0, 0.0, 0.0],
        [
            (
                0.18493119201220454,
                [-0.19749092395889317, 0.18812474444549823, 0.009366179513394952],
            ),
            (1.1608589447913278, [-0.7878413156322811, 0.7504772533130573, 0.03736406231922393]),
            (1.3490122167681864, [-0.7405035396575809, 0.7053845126982412, 0.03511902695933972]),
        ],
    ),
    (
        [1.0, 2.0, -1.0],
        [0.0, 1.0, 0.0],
        [
            (
                0.0075734154961229075,
                [0.015041697404253786, -0.017077369782817896, 0.002035672378564108],
            ),
            (0.18943857391960392, [0.1996999212415483, -0.2267263666451025, 0.02702644540355419]),
            (0.3490122167681864, [0.25949646034241913, -0.29461548730175885, 0.03511902695933972]),
        ],
    ),
    (
        [1.0, 2.0, -1.0],
        [0.0, 0.0, 1.0],
        [
            (0.7794786517791917, [0.07512178670194397, 0.20420218771327062, -0.2793239744152146]),
            (3.2896796100305936, [0.27043455219068735, 0.7351173290074048, -1.0055518811980921]),
            (3.349012216768186, [0.25949646034241913, 0.7053845126982412, -0.9648809730406602]),
        ],
    ),
    (
        [1.0, 2.0, -1.0],
        [0.25, 0.5, 0.25],
        [
            (
                0.24488916869591051,
                [-0.02307143561211041, 0.08954304814828326, -0.06647161253617286],
            ),
            (1.2073539256652823, [-0.02950173023962429, 0.25803546225756424, -0.22853373201793994]),
            (1.3490122167681864, [0.009496460342419117, 0.20538451269824115, -0.21488097304066028]),
        ],
    ),
    (
        [20.0, 0.0, -3.0],
        [1.0, 0.0, 0.0],
        [
            (
                2.5326475018828833e-27,
                [-7.597942491948467e-27, 7.237603434914874e-27, 3.6033905703359374e-28],
            ),
            (
                1.006508321798269e-13,
                [-1.5097624805195486e-13, 1.4381606765901798e-13, 7.160180392936874e-15],
            ),
            (
                2.163772416414621e-09,
                [-2.1637724140736656e-09, 2.0611536179786903e-09, 1.0261879609497518e-10],
            ),
        ],
    ),
    (
        [20.0, 0.0, -3.0],
        [0.0, 1.0, 0.0],
        [
            (4.999999979929407, [0.2500000190400162, -0.2500000190656709, 2.565470103311827e-11]),
            (19.999999981552236, [1.000000017417187, -1.0000000175198058, 1.0261879810434966e-10]),
            (20.000000002163773, [0.9999999978362276, -0.9999999979388464, 1.0261879609497518e-10]),
        ],
    ),
    (
        [0.0, 0.0, 0.0],
        [0.0, 0.0, 1.0],
        [
            (0.1220680320742344, [0.07772638106178184, 0.07772638106178184, -0.15545276212356368]),
            (0.8970131774626955, [0.34691662509779997, 0.34691662509779997, -0.6938332501955999]),
            (1.0986122886681098, [0.3333333333333333, 0.3333333333333333, -0.6666666666666666]),
        ],
    ),
    (
        [-40.0, -35.0, 40.0],
        [0.5, 0.5, 0.0],
        [(19.375, [-0.125, -0.125, 0.25]), (77.5, [-0.5, -0.5, 1.0]), (77.5, [-0.5, -0.5, 1.0])],
    ),
];
