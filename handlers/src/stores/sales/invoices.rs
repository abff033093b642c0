//! Container `analytics/invoices`: what each sales file says of an invoice, one document an invoice.

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, repeat_lost_races},
    domain::sales::totals::{InvoiceDocument, Statement, invoice_id},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "analytics", container: "invoices" };

/// The invoices.
pub struct Invoices(Container);

impl Invoices {
    pub(in crate::stores) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// Takes note of what files say of an invoice; returns its document, and whether anything of it is new.
    ///
    /// # Errors
    /// If the service fails; one for which [`CosmosError::is_lost_race`] holds if others wrote it all the time.
    pub async fn note(&self, invoice: &str, statements: &[Statement]) -> Result<(InvoiceDocument, bool), CosmosError> {
        let id = &invoice_id(invoice);
        repeat_lost_races(|| async move {
            let stored = self.0.read::<InvoiceDocument>(id, id).await?;
            let (mut document, etag) = match stored {
                Some(stored) => (stored.value, Some(stored.etag)),
                None => (InvoiceDocument::new(invoice), None),
            };
            let mut is_new = false;
            for statement in statements {
                is_new |= document.note(statement);
            }
            if is_new {
                self.0.write_unchanged(id, id, &document, etag.as_deref()).await?;
            }
            Ok((document, is_new))
        })
        .await
    }
}
