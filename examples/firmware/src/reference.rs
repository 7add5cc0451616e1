//! Reference implementation of the measured networks: fixed arrays, loops, and `expf` of libm.

/// A layer of sigmoid units, with one row of weights per unit.
pub struct Layer<const IN: usize, const OUT: usize> {
    weights: [[f32; IN]; OUT],
    bias: [f32; OUT],
}

impl<const IN: usize, const OUT: usize> Layer<IN, OUT> {
    pub const ZERO: Self = Self { weights: [[0.0; IN]; OUT], bias: [0.0; OUT] };

    fn fill(&mut self, f: &impl Fn(usize, usize) -> f32) {
        for o in 0..OUT {
            for i in 0..IN {
                self.weights[o][i] = f(i, o);
            }
            self.bias[o] = f(0, o);
        }
    }

    fn forward(&self, x: &[f32; IN]) -> [f32; OUT] {
        let mut y = [0.0; OUT];
        for o in 0..OUT {
            let mut z = self.bias[o];
            for i in 0..IN {
                z += self.weights[o][i] * x[i];
            }
            y[o] = 1.0 / (1.0 + libm::expf(-z));
        }
        y
    }

    /// The deltas of the previous layer, whose output is `x`.
    fn backward(&self, x: &[f32; IN], delta: &[f32; OUT]) -> [f32; IN] {
        let mut before = [0.0; IN];
        for i in 0..IN {
            let mut sum = 0.0;
            for o in 0..OUT {
                sum += delta[o] * self.weights[o][i];
            }
            before[i] = sum * x[i] * (1.0 - x[i]);
        }
        before
    }

    fn update(&mut self, x: &[f32; IN], delta: &[f32; OUT], rate: f32) {
        for o in 0..OUT {
            for i in 0..IN {
                self.weights[o][i] -= rate * delta[o] * x[i];
            }
            self.bias[o] -= rate * delta[o];
        }
    }
}

/// The loss `factor * sum (y - t)^2`, and the deltas of the last layer.
fn loss<const OUT: usize>(y: &[f32; OUT], t: &[f32; OUT], factor: f32) -> (f32, [f32; OUT]) {
    let mut loss = 0.0;
    let mut delta = [0.0; OUT];
    for o in 0..OUT {
        let e = y[o] - t[o];
        loss += factor * e * e;
        delta[o] = 2.0 * factor * e * y[o] * (1.0 - y[o]);
    }
    (loss, delta)
}

/// A network that is trained by gradient descent, one sample at a time.
pub trait Reference {
    type Input;
    type Output;
    const ZERO: Self;
    /// Sets the weight from each input to each unit to `f(input, unit)`, the bias to `f(0, unit)`.
    fn fill(&mut self, f: &impl Fn(usize, usize) -> f32);
    fn forward(&self, x: &Self::Input) -> Self::Output;
    /// Returns the loss, `factor` times the sum of the squared errors.
    fn step(&mut self, x: &Self::Input, t: &Self::Output, rate: f32, factor: f32) -> f32;
}

/// A network with one hidden layer.
pub struct Perceptron<const IN: usize, const HID: usize, const OUT: usize> {
    hidden: Layer<IN, HID>,
    output: Layer<HID, OUT>,
}

impl<const IN: usize, const HID: usize, const OUT: usize> Reference for Perceptron<IN, HID, OUT> {
    type Input = [f32; IN];
    type Output = [f32; OUT];
    const ZERO: Self = Self { hidden: Layer::ZERO, output: Layer::ZERO };

    fn fill(&mut self, f: &impl Fn(usize, usize) -> f32) {
        self.hidden.fill(f);
        self.output.fill(f);
    }

    fn forward(&self, x: &[f32; IN]) -> [f32; OUT] {
        self.output.forward(&self.hidden.forward(x))
    }

    fn step(&mut self, x: &[f32; IN], t: &[f32; OUT], rate: f32, factor: f32) -> f32 {
        let h = self.hidden.forward(x);
        let y = self.output.forward(&h);
        let (loss, output_delta) = loss(&y, t, factor);
        let hidden_delta = self.output.backward(&h, &output_delta);
        self.output.update(&h, &output_delta, rate);
        self.hidden.update(x, &hidden_delta, rate);
        loss
    }
}

/// The network 48-24-12-6-12-24-48.
pub struct Autoencoder {
    first: Layer<48, 24>,
    second: Layer<24, 12>,
    third: Layer<12, 6>,
    fourth: Layer<6, 12>,
    fifth: Layer<12, 24>,
    sixth: Layer<24, 48>,
}

impl Reference for Autoencoder {
    type Input = [f32; 48];
    type Output = [f32; 48];
    const ZERO: Self = Self {
        first: Layer::ZERO,
        second: Layer::ZERO,
        third: Layer::ZERO,
        fourth: Layer::ZERO,
        fifth: Layer::ZERO,
        sixth: Layer::ZERO,
    };

    fn fill(&mut self, f: &impl Fn(usize, usize) -> f32) {
        self.first.fill(f);
        self.second.fill(f);
        self.third.fill(f);
        self.fourth.fill(f);
        self.fifth.fill(f);
        self.sixth.fill(f);
    }

    fn forward(&self, x: &[f32; 48]) -> [f32; 48] {
        let code = self.third.forward(&self.second.forward(&self.first.forward(x)));
        self.sixth.forward(&self.fifth.forward(&self.fourth.forward(&code)))
    }

    fn step(&mut self, x: &[f32; 48], t: &[f32; 48], rate: f32, factor: f32) -> f32 {
        let a = self.first.forward(x);
        let b = self.second.forward(&a);
        let c = self.third.forward(&b);
        let d = self.fourth.forward(&c);
        let e = self.fifth.forward(&d);
        let y = self.sixth.forward(&e);
        let (loss, delta) = loss(&y, t, factor);
        let before = self.sixth.backward(&e, &delta);
        self.sixth.update(&e, &delta, rate);
        let delta = before;
        let before = self.fifth.backward(&d, &delta);
        self.fifth.update(&d, &delta, rate);
        let delta = before;
        let before = self.fourth.backward(&c, &delta);
        self.fourth.update(&c, &delta, rate);
        let delta = before;
        let before = self.third.backward(&b, &delta);
        self.third.update(&b, &delta, rate);
        let delta = before;
        let before = self.second.backward(&a, &delta);
        self.second.update(&a, &delta, rate);
        self.first.update(x, &before, rate);
        loss
    }
}
