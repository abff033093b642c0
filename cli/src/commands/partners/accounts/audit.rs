//! The audit log of a partner.

use std::num::NonZeroU32;

use anyhow::Context;
use contoso_handlers::{
    domain::partner::{PartnerName, api_key::KeyId},
    stores::partners::Partners,
};

use super::{known, print, text};

/// Entries of the audit log that are read at once.
const PAGE: u32 = 100;

pub(super) async fn audit(partners: &Partners, partner: &PartnerName, last: u32, json: bool) -> anyhow::Result<()> {
    known(partners, partner).await?;
    if !json {
        print(&format!("{:<20}  {:<12}  CODE  WHAT", "AT", "BY"))?;
    }
    let (mut left, mut before) = (last, None::<String>);
    while let Some(size) = NonZeroU32::new(left.min(PAGE)) {
        let page = partners.audit.page(partner, before.as_deref(), size).await.context("cannot read the audit log")?;
        for entry in &page.items {
            if json {
                print(&serde_json::to_string(entry)?)?;
            } else {
                let by = entry.key.as_ref().map_or("operator", KeyId::as_str);
                print(&format!("{:<20}  {by:<12}  {:<4}  {}", text(entry.at), entry.status, entry.action))?;
            }
        }
        let read = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
        if read < size.get() {
            break;
        }
        left = left.saturating_sub(read);
        before = page.items.last().map(|entry| entry.id.clone());
    }
    Ok(())
}
