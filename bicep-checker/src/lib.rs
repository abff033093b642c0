//! Bicep without the compiler: a parser, a formatter and a checker that speak with the compiler's codes (`BCP018`, …).
//!
//! The language is that of Bicep CLI 0.49. What is found here is found by the compiler too; the reverse does not hold:
//! that Azure accepts a template, only `what-if` against a subscription can tell.

pub mod check;
mod diagnostic;
pub mod evaluate;
pub mod files;
pub mod format;
pub mod plain;
pub mod policy;
pub mod syntax;

pub use diagnostic::{Diagnostic, Severity, Span};
