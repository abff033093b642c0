//! The counts of a page as one text: base64 of Avro.
//!
//! A document that is rewritten with every batch costs by its size, and each property of it for its index, so the counts are one short
//! text. The first byte says which form it has.

use std::{collections::BTreeMap, sync::LazyLock};

use apache_avro::{Error as AvroError, Schema, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    tally::{Count, Listed, ProductCount, Tally},
    visitors::Visitors,
};
use crate::product::{Category, ProductId};

/// The form below, as its first byte.
const FORM: u8 = 1;

/// Sketches and ids as bytes, names once.
const SCHEMA: &str = r#"{"type": "record", "name": "Packed", "fields": [
    {"name": "ids", "type": "bytes"},
    {"name": "repeats", "type": "long"},
    {"name": "other_views", "type": "long"},
    {"name": "views", "type": "long"},
    {"name": "visitors", "type": "bytes"},
    {"name": "categories", "type": {"type": "array", "items": {"type": "record", "name": "PackedCategory", "fields": [
        {"name": "name", "type": "string"},
        {"name": "views", "type": "long"},
        {"name": "visitors", "type": "bytes"}]}}},
    {"name": "products", "type": {"type": "array", "items": {"type": "record", "name": "PackedProduct", "fields": [
        {"name": "id", "type": "string"},
        {"name": "views", "type": "long"},
        {"name": "visitors", "type": "bytes"},
        {"name": "category", "type": "int"},
        {"name": "listed_millis", "type": "long"}]}}}]}"#;

/// What reads and writes the form; made once, since both look up every name.
struct Forms {
    reader: GenericDatumReader<'static>,
    writer: GenericDatumWriter<'static>,
}

static FORMS: LazyLock<Result<Forms, AvroError>> = LazyLock::new(|| {
    // Not lost: the static keeps it.
    let schema: &'static Schema = Box::leak(Box::new(Schema::parse_str(SCHEMA)?));
    let reader = GenericDatumReader::builder(schema).build()?;
    let writer = GenericDatumWriter::builder(schema).build()?;
    Ok(Forms { reader, writer })
});

/// A text that holds no counts.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not base64.
    #[error("the counts are not base64")]
    Base64(#[from] base64::DecodeError),
    /// Packed by a later version of this program.
    #[error("the counts have form {0:?}; only form 1 is known here")]
    Form(Option<u8>),
    /// Not what was packed.
    #[error("the counts cannot be read or written")]
    Avro(#[from] AvroError),
    /// The schema of the form is none.
    #[error("the form of the counts is broken: {0}")]
    Schema(String),
}

#[derive(Serialize, Deserialize)]
struct Packed {
    /// Eight bytes each, least first.
    #[serde(with = "apache_avro::serde::bytes")]
    ids: Vec<u8>,
    repeats: i64,
    other_views: i64,
    views: i64,
    visitors: Visitors,
    categories: Vec<PackedCategory>,
    products: Vec<PackedProduct>,
}

#[derive(Serialize, Deserialize)]
struct PackedCategory {
    name: Category,
    views: i64,
    visitors: Visitors,
}

#[derive(Serialize, Deserialize)]
struct PackedProduct {
    id: ProductId,
    views: i64,
    visitors: Visitors,
    /// Place of the category among the categories, -1 for none.
    category: i32,
    /// When it was seen there.
    listed_millis: i64,
}

fn forms() -> Result<&'static Forms, PackError> {
    FORMS.as_ref().map_err(|error| PackError::Schema(error.to_string()))
}

/// Avro has no unsigned numbers; no count comes near the largest signed one.
fn long(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(long: i64) -> u64 {
    u64::try_from(long).unwrap_or(0)
}

/// The text of some ids and counts.
///
/// # Errors
/// None is known; the writer declares one.
pub(super) fn pack(ids: &[u64], tally: &Tally) -> Result<String, PackError> {
    let places: BTreeMap<&Category, i32> = tally.categories.keys().zip(0..).collect();
    let product = |(id, product): (&ProductId, &ProductCount)| {
        // Every product's category was counted as one.
        let listed =
            product.listed.as_ref().and_then(|listed| Some((*places.get(&listed.category)?, listed.at_millis)));
        let (category, listed_millis) = listed.unwrap_or((-1, 0));
        let Count { views, visitors } = product.count.clone();
        PackedProduct { id: id.clone(), views: long(views), visitors, category, listed_millis }
    };
    let category = |(name, count): (&Category, &Count)| {
        let Count { views, visitors } = count.clone();
        PackedCategory { name: name.clone(), views: long(views), visitors }
    };
    let packed = Packed {
        ids: ids.iter().flat_map(|id| id.to_le_bytes()).collect(),
        repeats: long(tally.repeats),
        other_views: long(tally.other_views),
        views: long(tally.total.views),
        visitors: tally.total.visitors.clone(),
        categories: tally.categories.iter().map(category).collect(),
        products: tally.products.iter().map(product).collect(),
    };
    let mut bytes = vec![FORM];
    forms()?.writer.write_ser(&mut bytes, &packed)?;
    Ok(STANDARD.encode(bytes))
}

/// The ids and counts of a text.
///
/// # Errors
/// If it is not such a text, or one of a later version.
pub(super) fn unpack(text: &str) -> Result<(Vec<u64>, Tally), PackError> {
    let bytes = STANDARD.decode(text)?;
    let Some((&FORM, mut body)) = bytes.split_first() else {
        return Err(PackError::Form(bytes.first().copied()));
    };
    let packed: Packed = forms()?.reader.read_deser(&mut body)?;
    let (chunks, _) = packed.ids.as_chunks::<8>();
    let ids = chunks.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
    let mut tally = Tally {
        total: Count { views: count(packed.views), visitors: packed.visitors },
        other_views: count(packed.other_views),
        repeats: count(packed.repeats),
        ..Tally::default()
    };
    let names: Vec<Category> = packed.categories.iter().map(|category| category.name.clone()).collect();
    tally.categories = packed
        .categories
        .into_iter()
        .map(|PackedCategory { name, views, visitors }| (name, Count { views: count(views), visitors }))
        .collect();
    for PackedProduct { id, views, visitors, category, listed_millis: at_millis } in packed.products {
        let name = usize::try_from(category).ok().and_then(|place| names.get(place));
        let listed = name.map(|name| Listed { at_millis, category: name.clone() });
        tally.products.insert(id, ProductCount { count: Count { views: count(views), visitors }, listed });
    }
    Ok((ids, tally))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_or_of_a_later_form_is_refused() {
        let text = pack(&[1, u64::MAX], &Tally { repeats: 3, ..Tally::default() }).unwrap();
        let (ids, tally) = unpack(&text).unwrap();
        assert_eq!((ids, tally.repeats), (vec![1, u64::MAX], 3));
        assert!(matches!(unpack("?"), Err(PackError::Base64(_))));
        assert!(matches!(unpack(""), Err(PackError::Form(None))));
        assert!(matches!(unpack("AgA="), Err(PackError::Form(Some(2)))));
        let bytes = STANDARD.decode(&text).unwrap();
        assert!(matches!(unpack(&STANDARD.encode(&bytes[..bytes.len() - 3])), Err(PackError::Avro(_))));
        // A sketch of three bytes.
        assert!(unpack(&STANDARD.encode([1, 0, 0, 0, 0, 6, 1, 2, 3, 0, 0])).is_err());
    }
}
