//! Exit status of the examples.

use core::error::Error;
use core::fmt;
use std::process::ExitCode;

use super::console;

/// Why an example ended early.
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
    /// A failure specific to the example.
    pub fn because(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }
}

/// Success, or failure with a line on standard error.
pub fn exit_code(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(error)) => {
            console::report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
