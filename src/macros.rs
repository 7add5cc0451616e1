//! Macros for common trait implementations.

/// Implements `Default` by `new`.
macro_rules! default_is_new {
    ([$($generics:tt)*] $Type:ty) => {
        impl<$($generics)*> Default for $Type {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}
pub(crate) use default_is_new;

/// Implements `Error` and `Display`, with a format string for each variant.
macro_rules! error_texts {
    ([$($generics:tt)*] $Error:ty: $($variant:pat => $text:literal,)+) => {
        impl<$($generics)*> core::error::Error for $Error {}

        impl<$($generics)*> core::fmt::Display for $Error {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $($variant => write!(f, $text),)+
                }
            }
        }
    };
}
pub(crate) use error_texts;

/// Implements `defmt::Format` for a type that does not show its fields.
macro_rules! defmt_shows {
    ([$($generics:tt)*] $Type:ty: |$value:pat_param, $f:ident| $written:expr) => {
        #[cfg(feature = "defmt")]
        impl<$($generics)*> defmt::Format for $Type {
            fn format(&self, $f: defmt::Formatter<'_>) {
                let $value = self;
                $written;
            }
        }
    };
}
pub(crate) use defmt_shows;
