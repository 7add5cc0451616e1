//! The same network written by hand: fixed arrays, loops, libm.

/// A network with one hidden layer, sigmoid units, weights one row for each unit.
#[derive(Clone)]
pub struct Reference<const IN: usize, const HID: usize, const OUT: usize> {
    pub w1: [[f32; IN]; HID],
    pub b1: [f32; HID],
    pub w2: [[f32; HID]; OUT],
    pub b2: [f32; OUT],
}

fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-z))
}

impl<const IN: usize, const HID: usize, const OUT: usize> Reference<IN, HID, OUT> {
    pub const ZERO: Self =
        Self { w1: [[0.0; IN]; HID], b1: [0.0; HID], w2: [[0.0; HID]; OUT], b2: [0.0; OUT] };

    pub fn forward(&self, x: &[f32; IN]) -> [f32; OUT] {
        let mut h = [0.0; HID];
        for j in 0..HID {
            let mut z = self.b1[j];
            for i in 0..IN {
                z += self.w1[j][i] * x[i];
            }
            h[j] = sigmoid(z);
        }
        let mut y = [0.0; OUT];
        for k in 0..OUT {
            let mut z = self.b2[k];
            for j in 0..HID {
                z += self.w2[k][j] * h[j];
            }
            y[k] = sigmoid(z);
        }
        y
    }

    pub fn step(&mut self, x: &[f32; IN], t: &[f32; OUT], rate: f32) -> f32 {
        let mut h = [0.0; HID];
        for j in 0..HID {
            let mut z = self.b1[j];
            for i in 0..IN {
                z += self.w1[j][i] * x[i];
            }
            h[j] = sigmoid(z);
        }
        let mut y = [0.0; OUT];
        for k in 0..OUT {
            let mut z = self.b2[k];
            for j in 0..HID {
                z += self.w2[k][j] * h[j];
            }
            y[k] = sigmoid(z);
        }
        let mut loss = 0.0;
        let mut d2 = [0.0; OUT];
        for k in 0..OUT {
            let e = y[k] - t[k];
            loss += 0.5 * e * e;
            d2[k] = e * y[k] * (1.0 - y[k]);
        }
        let mut d1 = [0.0; HID];
        for j in 0..HID {
            let mut sum = 0.0;
            for k in 0..OUT {
                sum += d2[k] * self.w2[k][j];
            }
            d1[j] = sum * h[j] * (1.0 - h[j]);
        }
        for k in 0..OUT {
            for j in 0..HID {
                self.w2[k][j] -= rate * d2[k] * h[j];
            }
            self.b2[k] -= rate * d2[k];
        }
        for j in 0..HID {
            for i in 0..IN {
                self.w1[j][i] -= rate * d1[j] * x[i];
            }
            self.b1[j] -= rate * d1[j];
        }
        loss
    }
}
