//! What one core can compute at most, in registers.

/// Billions of floating-point operations per second.
#[derive(Clone, Copy, Debug)]
pub struct Peak {
    /// A multiplication and an addition after it.
    pub separate: f64,
    /// A fused multiply-add, if there is one.
    pub fused: Option<f64>,
    /// Numbers in a vector.
    pub lanes: u32,
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use crate::worker::processor_seconds;
    use std::arch::asm;
    use std::arch::x86_64::{__m128, __m256, __m512};

    const ROUNDS: u32 = 5_000_000;
    /// Sums at a time: as many as hide the time that an addition takes.
    const SUMS: usize = 12;

    macro_rules! measure {
        ($name:ident $features:literal $vector:ident $register:ident $lanes:literal
            |$sum:ident, $a:ident| $($asm:expr),+) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name() -> f64 {
                // SAFETY: zeros are a vector.
                let zero: $vector = unsafe { std::mem::zeroed() };
                let (mut sums, $a) = ([zero; SUMS], zero);
                let start = processor_seconds();
                for _ in 0..ROUNDS {
                    for $sum in &mut sums {
                        // SAFETY: reads and writes registers only.
                        unsafe { $($asm);+ }
                    }
                }
                let operations = f64::from(ROUNDS) * SUMS as f64 * 2.0 * $lanes;
                operations / (processor_seconds() - start) / 1e9
            }
        };
    }

    measure!(sse2 "sse2" __m128 xmm_reg 4.0 |sum, a| {
        let mut product = a;
        asm!("mulps {p}, {a}", p = inout(xmm_reg) product, a = in(xmm_reg) a);
        asm!("addps {s}, {p}", s = inout(xmm_reg) *sum, p = in(xmm_reg) product);
    });
    measure!(avx "avx" __m256 ymm_reg 8.0 |sum, a| {
        let product: __m256;
        asm!("vmulps {p}, {a}, {a}", p = out(ymm_reg) product, a = in(ymm_reg) a);
        asm!("vaddps {s}, {s}, {p}", s = inout(ymm_reg) *sum, p = in(ymm_reg) product);
    });
    measure!(fma "avx,fma" __m256 ymm_reg 8.0 |sum, a|
        asm!("vfmadd231ps {s}, {a}, {a}", s = inout(ymm_reg) *sum, a = in(ymm_reg) a));
    measure!(avx512 "avx512f" __m512 zmm_reg 16.0 |sum, a| {
        let product: __m512;
        asm!("vmulps {p}, {a}, {a}", p = out(zmm_reg) product, a = in(zmm_reg) a);
        asm!("vaddps {s}, {s}, {p}", s = inout(zmm_reg) *sum, p = in(zmm_reg) product);
    });
    measure!(fma512 "avx512f" __m512 zmm_reg 16.0 |sum, a|
        asm!("vfmadd231ps {s}, {a}, {a}", s = inout(zmm_reg) *sum, a = in(zmm_reg) a));
}

/// Measures this core, or nothing if it is none that is known here. The best of five.
pub fn measure() -> Option<Peak> {
    #[cfg(target_arch = "x86_64")]
    {
        let best = |f: &dyn Fn() -> f64| (0..5).map(|_| f()).fold(0.0, f64::max);
        let (avx, fma, avx512) = (
            is_x86_feature_detected!("avx"),
            is_x86_feature_detected!("fma"),
            is_x86_feature_detected!("avx512f"),
        );
        // SAFETY: the features were looked for.
        unsafe {
            Some(if avx512 {
                let fused = Some(best(&|| x86::fma512()));
                Peak { separate: best(&|| x86::avx512()), fused, lanes: 16 }
            } else if avx {
                Peak {
                    separate: best(&|| x86::avx()),
                    fused: fma.then(|| best(&|| x86::fma())),
                    lanes: 8,
                }
            } else {
                Peak { separate: best(&|| x86::sse2()), fused: None, lanes: 4 }
            })
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    None
}
