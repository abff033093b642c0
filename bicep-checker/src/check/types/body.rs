//! The body of a resource as Bicep sees it: the service's type, with the properties of the language added.

use std::rc::Rc;

use super::{Flags, Object, Property, Rest, Tagged, Type};

/// What of a declaration changes the type of its body.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Declared {
    pub existing: bool,
    /// Whether it stands inside another resource.
    pub nested: bool,
    /// Whether it stands inside another resource or has a `parent`.
    pub has_parent: bool,
    /// Whether it can be deployed only onto another resource, so that it needs a `scope`.
    pub extension_only: bool,
}

/// Properties that can be read before a deployment starts.
const KNOWN: [&str; 4] = ["id", "name", "type", "apiVersion"];

/// Properties that must be known before a deployment starts, and cannot be read then: policies and services may change them.
const CONSTANT: [&str; 14] = [
    "location",
    "kind",
    "subscriptionId",
    "resourceGroup",
    "managedBy",
    "extendedLocation",
    "zones",
    "placement",
    "plan",
    "sku",
    "identity",
    "managedByExtended",
    "tags",
    "asserts",
];

/// The body of a resource of this type, from the published one.
pub(crate) fn body(published: &Type, kind: &str, declared: Declared) -> Type {
    // `Microsoft.A/b` has names of its own; for `Microsoft.A/b/c` the name can be checked only where the parent is known.
    let own_name = kind.matches('/').count() < 2 || declared.has_parent;
    match published.now() {
        Type::Object(object) => {
            let mut object = (*object).clone();
            if !own_name && let Some(name) = object.properties.iter_mut().find(|property| property.name == "name") {
                name.of = Type::text();
            }
            Type::Object(Rc::new(complete(object, kind, declared)))
        }
        Type::Tagged(tagged) if (tagged.tag == "name" && own_name) || (tagged.tag != "name" && !declared.existing) => {
            let shape = |(tag, of): &(String, Type)| match of.now() {
                Type::Object(object) => {
                    (tag.clone(), Type::Object(Rc::new(complete((*object).clone(), kind, declared))))
                }
                other => (tag.clone(), other),
            };
            let shapes = tagged.shapes.iter().map(shape).collect();
            Type::Tagged(Rc::new(Tagged { shapes, ..(*tagged).clone() }))
        }
        Type::Tagged(tagged) => {
            let has = |name: &str| {
                tagged.shapes.iter().any(|(_, of)| match of.now() {
                    Type::Object(object) => object.property(name).is_some(),
                    _ => false,
                })
            };
            Type::Object(Rc::new(complete(generic(kind, has), kind, declared)))
        }
        _ => unknown(kind, declared),
    }
}

/// The body of a resource whose type nobody published.
pub(crate) fn unknown(kind: &str, declared: Declared) -> Type {
    Type::Object(Rc::new(complete(generic(kind, |_| true), kind, declared)))
}

/// The properties that every resource may have, without a word about their insides.
fn generic(kind: &str, has: impl Fn(&str) -> bool) -> Object {
    let mut object = Object { name: kind.to_owned(), ..Object::default() };
    for name in ["id", "type", "apiVersion"] {
        let flags = Flags { read_only: true, constant: true, ..Flags::default() };
        object.set(name, Type::text(), flags);
    }
    object.set("name", Type::text(), Flags { required: true, constant: true, ..Flags::default() });
    for (name, of) in top_level() {
        if has(name) {
            object.set(name, of, Flags { null: true, ..Flags::default() });
        }
    }
    object.properties.retain(|property| KNOWN.contains(&property.name.as_str()) || has(&property.name));
    object
}

/// Properties that Resource Manager knows on every resource, whether its type publishes them or not.
fn top_level() -> [(&'static str, Type); 15] {
    let texts = || Type::list(Type::text());
    let map = Type::Object(Rc::new(Object {
        name: "Tags".to_owned(),
        rest: Some(Rest { of: Type::text(), discouraged: false }),
        ..Object::default()
    }));
    [
        ("location", Type::text()),
        ("tags", map),
        ("properties", Type::object()),
        ("sku", Type::object()),
        ("kind", Type::text()),
        ("managedBy", Type::text()),
        ("managedByExtended", texts()),
        ("extendedLocation", Type::object()),
        ("zones", texts()),
        ("plan", Type::object()),
        ("eTag", Type::text()),
        ("scale", Type::object()),
        ("identity", Type::object()),
        ("placement", Type::object()),
        ("asserts", Type::object()),
    ]
}

fn complete(mut object: Object, kind: &str, declared: Declared) -> Object {
    for property in &mut object.properties {
        let name = property.name.as_str();
        property.flags.constant |= !declared.existing && CONSTANT.contains(&name);
        property.flags.known |= KNOWN.contains(&name);
        property.flags.system |= name == "name";
    }
    let system = Flags { system: true, ..Flags::default() };
    let place = Flags { write_only: true, constant: true, known: true, ..system };
    let required = declared.extension_only && !declared.existing;
    object.set("scope", Type::Any, Flags { required, ..place });
    object.set("dependsOn", Type::Any, Flags { write_only: true, ..system });
    if kind.matches('/').count() > 1 && !declared.nested {
        object.set("parent", Type::Any, place);
    }
    for (name, of) in top_level() {
        if object.property(name).is_none() {
            object.set(name, of, Flags { fallback: true, null: true, ..Flags::default() });
        }
    }
    if declared.existing {
        for Property { name, flags, .. } in &mut object.properties {
            if !["name", "scope", "parent", "dependsOn"].contains(&name.as_str()) {
                (flags.read_only, flags.required) = (true, false);
            }
        }
    }
    object
}
