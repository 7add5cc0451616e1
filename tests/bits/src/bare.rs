//! Start, output and end of a program without `std`: under Linux, or in WebAssembly, where whoever
//! loads it gives it `write`.

use core::fmt;
use core::panic::PanicInfo;

struct Out;

impl fmt::Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: `text` is that long.
        unsafe { write(text.as_ptr(), text.len()) };
        Ok(())
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(101)
}

#[cfg(target_arch = "wasm32")]
mod system {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        pub(super) fn write(text: *const u8, length: usize);
    }

    pub(super) fn exit(_: usize) -> ! {
        core::arch::wasm32::unreachable()
    }

    #[unsafe(no_mangle)]
    extern "C" fn _start() {
        assert!(crate::print_all(&mut super::Out).is_ok());
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod system {
    use core::arch::{asm, global_asm};

    #[cfg(target_arch = "aarch64")]
    global_asm!(".global _start", "_start: bl start");
    #[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
    global_asm!(".global _start", "_start: call start");
    #[cfg(target_arch = "x86")]
    global_asm!(".global _start", "_start: call start");

    #[unsafe(no_mangle)]
    extern "C" fn start() -> ! {
        exit(crate::print_all(&mut super::Out).is_err().into())
    }

    pub(super) unsafe fn write(text: *const u8, length: usize) {
        const WRITE: usize = if cfg!(target_arch = "x86") { 4 } else { 64 };
        call(WRITE, 1, text.expose_provenance(), length);
    }

    pub(super) fn exit(code: usize) -> ! {
        const EXIT: usize = if cfg!(target_arch = "x86") { 1 } else { 93 };
        call(EXIT, code, 0, 0);
        loop {}
    }

    /// A system call of Linux.
    fn call(number: usize, a: usize, b: usize, c: usize) {
        // SAFETY: of the two that there are, one reads a text and the other does not return.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            asm!("svc #0", in("x8") number, inout("x0") a => _, in("x1") b, in("x2") c);
        }
        // SAFETY: as above.
        #[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
        unsafe {
            asm!("ecall", in("a7") number, inout("a0") a => _, in("a1") b, in("a2") c);
        }
        // SAFETY: as above.
        #[cfg(target_arch = "x86")]
        unsafe {
            asm!("int 0x80", inout("eax") number => _, in("ebx") a, in("ecx") b, in("edx") c);
        }
    }
}

use system::{exit, write};

/// What the compiler calls by itself, and bare-metal targets bring along. Volatile, so that it does not
/// make calls of themselves out of the loops.
#[cfg(target_arch = "x86")]
mod memory {
    /// Named by `core`, which was compiled to unwind; nothing calls it.
    #[unsafe(no_mangle)]
    extern "C" fn rust_eh_personality() {}

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
        for i in 0..length {
            // SAFETY: the caller's.
            unsafe { to.add(i).write_volatile(from.add(i).read_volatile()) };
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
        if to.cast_const() <= from {
            // SAFETY: from the start on, nothing is written over before it is read.
            return unsafe { memcpy(to, from, length) };
        }
        for i in (0..length).rev() {
            // SAFETY: the caller's.
            unsafe { to.add(i).write_volatile(from.add(i).read_volatile()) };
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, byte: i32, length: usize) -> *mut u8 {
        for i in 0..length {
            // SAFETY: the caller's. A byte is what it is called with.
            unsafe { to.add(i).write_volatile(byte as u8) };
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
        for i in 0..length {
            // SAFETY: the caller's.
            let (a, b) = unsafe { (a.add(i).read_volatile(), b.add(i).read_volatile()) };
            if a != b {
                return i32::from(a) - i32::from(b);
            }
        }
        0
    }
}
