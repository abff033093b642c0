//! The contracts of the events, told to people and to other programs.
//!
//! [`sources`] reads what a checkout says of each event: schema, examples, who sends and who reads; [`registry`] what is registered. [`avro`] reads schemas, and
//! [`json_form`] says what becomes of one where its data travels as JSON. Of these are made the AsyncAPI document ([`asyncapi`]), the static
//! catalogue ([`catalogue`]) and types for other languages ([`bindings`]).

pub mod asyncapi;
pub mod avro;
pub mod bindings;
pub mod catalogue;
pub mod flows;
pub mod json_form;
pub mod registry;
pub mod sources;
