//! The files of types as they are written.

use std::collections::HashMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(tag = "$type")]
pub(super) enum Raw {
    AnyType,
    NullType,
    BooleanType,
    #[serde(rename_all = "camelCase")]
    IntegerType {
        min_value: Option<i64>,
        max_value: Option<i64>,
    },
    #[serde(rename_all = "camelCase")]
    StringType {
        min_length: Option<u64>,
        max_length: Option<u64>,
        pattern: Option<String>,
        sensitive: Option<bool>,
    },
    StringLiteralType {
        value: String,
    },
    #[serde(rename_all = "camelCase")]
    ArrayType {
        item_type: Ref,
    },
    #[serde(rename_all = "camelCase")]
    ObjectType {
        name: String,
        #[serde(default)]
        properties: serde_json::Map<String, serde_json::Value>,
        additional_properties: Option<Ref>,
        sensitive: Option<bool>,
    },
    #[serde(rename_all = "camelCase")]
    DiscriminatedObjectType {
        name: String,
        discriminator: String,
        #[serde(default)]
        base_properties: serde_json::Map<String, serde_json::Value>,
        elements: serde_json::Map<String, serde_json::Value>,
    },
    UnionType {
        elements: Vec<Ref>,
    },
    #[serde(rename_all = "camelCase")]
    ResourceType {
        body: Ref,
        readable_scopes: Option<u8>,
        writable_scopes: Option<u8>,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Ref {
    #[serde(rename = "$ref")]
    pub to: String,
}

impl Ref {
    pub(super) fn place(&self) -> Option<usize> {
        self.to.strip_prefix("#/").and_then(|place| place.parse().ok())
    }
}

#[derive(Deserialize)]
pub(super) struct RawProperty {
    pub r#type: Ref,
    #[serde(default)]
    pub flags: u32,
}

#[derive(Deserialize)]
pub(super) struct Index {
    pub resources: HashMap<String, Ref>,
    #[serde(default)]
    pub versions: HashMap<String, Versions>,
}

#[derive(Deserialize)]
pub(super) struct Versions {
    pub all: Vec<String>,
}
