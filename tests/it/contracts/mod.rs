//! The contracts of the events as others read them: the AsyncAPI document, the generated types, the catalogue, and Avro libraries.

mod avro;
mod bindings;
mod catalogue;
pub(crate) mod document;
