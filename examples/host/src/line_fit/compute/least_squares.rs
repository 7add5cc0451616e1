//! Least squares: the best line in closed form, by three formulas for `w` and two for `b`.

use super::{Line, Sample};

/// The best line by each of the formulas, which are equal except for rounding.
#[derive(Clone, Copy, Debug)]
pub struct LeastSquares {
    /// `(m sum xy - sum x sum y) / (m sum xx - (sum x)^2)`.
    pub w_by_sums: f64,
    /// `sum y (x - mean x) / (sum xx - (sum x)^2 / m)`.
    pub w_by_mean_x: f64,
    /// `sum x (y - mean y) / (sum xx - mean x sum x)`.
    pub w_by_mean_y: f64,
    /// `sum (y - w x) / m`.
    pub b_by_sum: f64,
    /// `mean y - w mean x`.
    pub b_by_means: f64,
    /// `sum y - w sum x`, which is `m b`.
    pub m_times_b: f64,
}

impl LeastSquares {
    pub fn of(samples: &[Sample]) -> Self {
        let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            samples.iter().map(|([x], [y])| f(*x, *y)).sum()
        };
        let m = sum(&|_, _| 1.0);
        let (sum_x, sum_y) = (sum(&|x, _| x), sum(&|_, y| y));
        let (sum_xx, sum_xy) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
        let (mean_x, mean_y) = (sum_x / m, sum_y / m);
        let w = sum(&|x, y| y * (x - mean_x)) / (sum_xx - sum_x * sum_x / m);
        Self {
            w_by_sums: (m * sum_xy - sum_x * sum_y) / (m * sum_xx - sum_x * sum_x),
            w_by_mean_x: w,
            w_by_mean_y: sum(&|x, y| x * (y - mean_y)) / (sum_xx - mean_x * sum_x),
            b_by_sum: sum(&|x, y| y - w * x) / m,
            b_by_means: mean_y - w * mean_x,
            m_times_b: sum_y - w * sum_x,
        }
    }

    pub const fn line(self) -> Line {
        Line { w: self.w_by_mean_x, b: self.b_by_sum }
    }
}
