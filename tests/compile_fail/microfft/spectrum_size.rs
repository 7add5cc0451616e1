use gradlet::spectrum::Spectrum;

fn main() {
    let _ = Spectrum::new([0.0; 100]);
}
