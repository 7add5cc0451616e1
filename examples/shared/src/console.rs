//! Standard output that may be closed early.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

/// Buffered standard output. When the pipe is closed, as in `example | head`, the rest of the text
/// is dropped and the program continues.
pub struct Console {
    stdout: BufWriter<StdoutLock<'static>>,
    closed: bool,
}

impl Default for Console {
    fn default() -> Self {
        Self { stdout: BufWriter::new(io::stdout().lock()), closed: false }
    }
}

impl Console {
    /// `result`, or `otherwise` once the pipe is closed. Other errors say what they are about.
    fn unless_closed<T>(&mut self, result: io::Result<T>, otherwise: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(otherwise)
            }
            result => result.map_err(|cause| {
                let text = format!("cannot write to standard output: {cause}");
                io::Error::new(cause.kind(), text)
            }),
        }
    }
}

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = if self.closed { Ok(bytes.len()) } else { self.stdout.write(bytes) };
        self.unless_closed(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = if self.closed { Ok(()) } else { self.stdout.flush() };
        self.unless_closed(result, ())
    }
}

/// Prints `error: ..` on standard error, if that is open.
pub fn report(error: &dyn core::error::Error) {
    drop(writeln!(io::stderr(), "error: {error}"));
}
