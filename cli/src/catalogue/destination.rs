//! Destination of products: what a catalogue is seeded into.

use super::Product;
use crate::failure::CallError;

/// What takes products. Repeating a call is safe.
pub trait Destination {
    /// Creates or replaces a product.
    ///
    /// # Errors
    /// When it is refused, or there is no answer.
    fn put(&self, product: &Product) -> impl Future<Output = Result<(), CallError>> + Send;
}
