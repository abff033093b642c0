//! The counts of a page as one text: base64 of `postcard`.
//!
//! A document that is rewritten with every batch costs by its size, and each property of it for its index, so the counts are one short
//! text. The first number says which form it has.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    tally::{Count, Listed, ProductCount, Tally},
    visitors::Visitors,
};
use crate::domain::{product::Category, text::TextError};

/// The form below.
const FORM: u8 = 1;

/// A text that holds no counts.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not base64.
    #[error("the counts are not base64")]
    Base64(#[from] base64::DecodeError),
    /// Not what was packed, or packed by a later version of this program.
    #[error("the counts cannot be read; were they written by a later version?")]
    Binary(#[from] postcard::Error),
    /// Not a product or category.
    #[error("the counts name what cannot be")]
    Name(#[from] TextError),
}

#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    form: u8,
    /// Eight bytes each, least first.
    ids: &'a [u8],
    repeats: u64,
    other_views: u64,
    views: u64,
    visitors: Visitors,
    #[serde(borrow)]
    categories: Vec<PackedCategory<'a>>,
    #[serde(borrow)]
    products: Vec<PackedProduct<'a>>,
}

#[derive(Serialize, Deserialize)]
struct PackedCategory<'a> {
    name: &'a str,
    views: u64,
    visitors: Visitors,
}

#[derive(Serialize, Deserialize)]
struct PackedProduct<'a> {
    id: &'a str,
    views: u64,
    visitors: Visitors,
    /// Place of the category among the categories, and when it was seen.
    listed: Option<(u32, i64)>,
}

/// The text of some ids and counts.
///
/// # Errors
/// Never, as far as is known: the serializer declares it.
pub(super) fn pack(ids: &[u64], tally: &Tally) -> Result<String, PackError> {
    let id_bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    let place = |category: &Category| {
        // Every product's category was counted as one.
        let place = tally.categories.keys().position(|name| name == category)?;
        u32::try_from(place).ok()
    };
    let packed = Packed {
        form: FORM,
        ids: &id_bytes,
        repeats: tally.repeats,
        other_views: tally.other_views,
        views: tally.total.views,
        visitors: tally.total.visitors.clone(),
        categories: tally
            .categories
            .iter()
            .map(|(name, count)| PackedCategory {
                name: name.as_str(),
                views: count.views,
                visitors: count.visitors.clone(),
            })
            .collect(),
        products: tally
            .products
            .iter()
            .map(|(id, product)| PackedProduct {
                id: id.as_str(),
                views: product.count.views,
                visitors: product.count.visitors.clone(),
                listed: product.listed.as_ref().and_then(|listed| Some((place(&listed.category)?, listed.at_millis))),
            })
            .collect(),
    };
    Ok(STANDARD.encode(postcard::to_allocvec(&packed)?))
}

/// The ids and counts of a text.
///
/// # Errors
/// If it is not such a text, or one of a later version.
pub(super) fn unpack(text: &str) -> Result<(Vec<u64>, Tally), PackError> {
    let bytes = STANDARD.decode(text)?;
    let packed: Packed<'_> = postcard::from_bytes(&bytes)?;
    if packed.form != FORM {
        return Err(postcard::Error::SerdeDeCustom.into());
    }
    let (chunks, _) = packed.ids.as_chunks::<8>();
    let ids = chunks.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
    let mut tally = Tally {
        total: Count { views: packed.views, visitors: packed.visitors },
        other_views: packed.other_views,
        repeats: packed.repeats,
        ..Tally::default()
    };
    let mut names = Vec::with_capacity(packed.categories.len());
    for PackedCategory { name, views, visitors } in packed.categories {
        let name = Category::try_from(name.to_owned())?;
        names.push(name.clone());
        tally.categories.insert(name, Count { views, visitors });
    }
    for PackedProduct { id, views, visitors, listed } in packed.products {
        let listed = listed.and_then(|(place, at_millis)| {
            let category = names.get(usize::try_from(place).ok()?)?.clone();
            Some(Listed { at_millis, category })
        });
        let product = ProductCount { count: Count { views, visitors }, listed };
        tally.products.insert(id.to_owned().try_into()?, product);
    }
    Ok((ids, tally))
}
