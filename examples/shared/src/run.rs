//! How an example ends.

use core::error::Error;
use core::fmt;
use std::process::ExitCode;

use super::console;

/// Why an example ends early.
#[derive(Debug)]
pub struct Failure(Box<dyn Error>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl Failure {
    /// A failure of the example's own.
    pub fn because(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }
}

/// Success, or a line on standard error and failure.
pub fn exit_code(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(error)) => {
            console::report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
