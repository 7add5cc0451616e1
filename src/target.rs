//! What the target is like. Speed and size depend on it, results do not.

/// Whether a register holds one number, not several.
pub(crate) const NARROW: bool = cfg!(any(
    target_arch = "arm",
    target_arch = "avr",
    target_arch = "msp430",
    target_arch = "riscv32",
    target_arch = "xtensa"
));

/// Whether `f32` is computed by subroutines: they take so long that nothing else counts.
pub(crate) const SOFT: bool =
    cfg!(all(any(target_arch = "arm", target_arch = "riscv32"), not(target_abi = "eabihf")));

/// Whether fewer bytes of flash are worth more than fewer instructions: opt-level `s` or `z`.
pub(crate) const SMALL: bool = cfg!(optimized_for_size);
