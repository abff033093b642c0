//! The types of Azure's resources, as `Azure/bicep-types-az` publishes them: `index.json` names a file and a place in it for
//! each `Type@version`; a file is an array of types that refer to each other by their places. Files are read when a resource
//! first needs them.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    rc::Rc,
};

use serde::Deserialize;

use super::{
    Flags, Integers, Later, List, Object, Property, Rest, Tagged, Text, Type,
    raw::{Index, Raw, RawProperty, Ref, Versions},
};

/// The types of a folder.
#[derive(Debug)]
pub(crate) struct Azure {
    folder: PathBuf,
    /// By `type@version` in lower case: the data mixes `Microsoft.Insights` and `microsoft.insights`.
    resources: HashMap<String, Entry>,
    /// By type in lower case, every version that exists, those whose types the folder lacks included.
    versions: HashMap<String, Vec<String>>,
    /// Whether the folder holds a selection, so that a type may exist and be absent here.
    partial: bool,
    files: RefCell<HashMap<String, Rc<TypeFile>>>,
}

#[derive(Clone, Debug)]
struct Entry {
    file: String,
    place: usize,
}

/// What is known of a `Type@version`.
pub(crate) enum Known {
    /// Its body and the levels it can be deployed to, as bits.
    Type { body: Type, writable: u8, readable: u8 },
    /// It exists, but its type is not in the folder.
    Elsewhere,
    /// It does not exist.
    Nowhere,
}

/// A place in a file of types.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    file: Rc<TypeFile>,
    at: usize,
    depth: Depth,
}

/// How deep in a resource a type stands: services are free to accept more than they publish, the outermost level is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Body,
    Top,
    Inside,
}

#[derive(Debug)]
struct TypeFile {
    types: Vec<Raw>,
}

impl Azure {
    /// Reads the index of a folder.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let index: Index = contoso_json::from_slice(&fs::read(folder.join("index.json"))?).map_err(io::Error::other)?;
        let partial = !index.versions.is_empty();
        let all = |(name, versions): (String, Versions)| (name.to_lowercase(), versions.all);
        let mut versions: HashMap<String, Vec<String>> = index.versions.into_iter().map(all).collect();
        let mut resources = HashMap::new();
        for (name, at) in index.resources {
            let Some((file, place)) = at.to.split_once("#/") else { continue };
            let Ok(place) = place.parse() else { continue };
            if let Some((kind, version)) = name.split_once('@') {
                let known = versions.entry(kind.to_lowercase()).or_default();
                if !known.iter().any(|one| one.eq_ignore_ascii_case(version)) {
                    known.push(version.to_owned());
                }
            }
            resources.insert(name.to_lowercase(), Entry { file: file.to_owned(), place });
        }
        Ok(Self { folder: folder.to_owned(), resources, versions, partial, files: RefCell::default() })
    }

    /// Every version of a type, oldest first; empty for a type that is not known.
    pub(crate) fn versions(&self, kind: &str) -> Vec<&str> {
        let mut all: Vec<&str> =
            self.versions.get(&kind.to_lowercase()).into_iter().flatten().map(String::as_str).collect();
        all.sort_unstable();
        all
    }

    /// What is known of a type at a version.
    pub(crate) fn find(&self, kind: &str, version: &str) -> Known {
        if let Some(entry) = self.resources.get(&format!("{kind}@{version}").to_lowercase()) {
            return self.file(&entry.file).and_then(|file| file.resource(entry.place)).unwrap_or(Known::Elsewhere);
        }
        let versions = self.versions(kind);
        let exists = versions.iter().any(|one| one.eq_ignore_ascii_case(version));
        match exists || (versions.is_empty() && self.partial) {
            true => Known::Elsewhere,
            false => Known::Nowhere,
        }
    }

    fn file(&self, name: &str) -> Option<Rc<TypeFile>> {
        if let Some(file) = self.files.borrow().get(name) {
            return Some(file.clone());
        }
        let bytes = fs::read(self.folder.join(name)).ok()?;
        let file = Rc::new(TypeFile { types: contoso_json::from_slice(&bytes).ok()? });
        self.files.borrow_mut().insert(name.to_owned(), file.clone());
        Some(file)
    }
}

impl TypeFile {
    fn resource(self: &Rc<Self>, at: usize) -> Option<Known> {
        let Raw::ResourceType { body, readable_scopes, writable_scopes } = self.types.get(at)? else { return None };
        let place = Place { file: self.clone(), at: body.place()?, depth: Depth::Body };
        // Absent, the old form: deployable everywhere the one field says; the cut always has both.
        let writable = writable_scopes.or(*readable_scopes).unwrap_or(31);
        Some(Known::Type { body: place.read(), writable, readable: readable_scopes.unwrap_or(writable) })
    }
}

impl Place {
    fn to(&self, to: &Ref, depth: Depth) -> Type {
        match to.place() {
            Some(at) => Type::Later(Later::Azure(Place { file: self.file.clone(), at, depth })),
            None => Type::Any,
        }
    }

    /// The type that stands here, with what it refers to left for later.
    pub(super) fn read(&self) -> Type {
        let inner = match self.depth {
            Depth::Body => Depth::Top,
            Depth::Top | Depth::Inside => Depth::Inside,
        };
        let lenient = self.depth != Depth::Body;
        match self.file.types.get(self.at) {
            Some(Raw::NullType) => Type::Null,
            Some(Raw::BooleanType) => Type::Bool,
            Some(Raw::IntegerType { min_value, max_value }) => {
                Type::Int(Integers { least: *min_value, most: *max_value, loose: false })
            }
            Some(Raw::StringType { min_length, max_length, pattern, sensitive }) => Type::Text(Text {
                least: *min_length,
                most: *max_length,
                pattern: pattern.as_deref().map(Into::into),
                secure: *sensitive == Some(true),
                loose: false,
            }),
            Some(Raw::StringLiteralType { value }) => Type::literal(value),
            Some(Raw::ArrayType { item_type }) => {
                Type::List(List { item: Rc::new(self.to(item_type, Depth::Inside)), least: None, most: None })
            }
            Some(Raw::UnionType { elements }) => Type::union(elements.iter().map(|one| self.to(one, self.depth))),
            Some(Raw::ObjectType { name, properties, additional_properties, sensitive }) => {
                let rest = additional_properties.as_ref();
                Type::Object(Rc::new(Object {
                    name: name.clone(),
                    properties: self.properties(properties, inner),
                    rest: rest.map(|of| Rest { of: self.to(of, inner), discouraged: false }),
                    lenient,
                    secure: *sensitive == Some(true),
                }))
            }
            Some(Raw::DiscriminatedObjectType { name, discriminator, base_properties, elements }) => {
                let base = self.properties(base_properties, inner);
                let shapes = elements.iter().map(|(tag, of)| (tag.clone(), self.shape(of, &base, tag)));
                Type::Tagged(Rc::new(Tagged {
                    name: name.clone(),
                    tag: discriminator.clone(),
                    shapes: shapes.collect(),
                    lenient,
                }))
            }
            Some(Raw::AnyType | Raw::ResourceType { .. } | Raw::Other) | None => Type::Any,
        }
    }

    /// One shape of a tagged object: its own properties and those that all shapes share.
    fn shape(&self, of: &serde_json::Value, base: &[Property], tag: &str) -> Type {
        let Some(at) = Ref::deserialize(of).ok().and_then(|to| to.place()) else { return Type::Any };
        let Type::Object(object) = (Place { file: self.file.clone(), at, depth: self.depth }).read() else {
            return Type::Any;
        };
        let mut object = (*object).clone();
        tag.clone_into(&mut object.name);
        for property in base {
            if !object.properties.iter().any(|own| own.name.eq_ignore_ascii_case(&property.name)) {
                object.properties.push(property.clone());
            }
        }
        Type::Object(Rc::new(object))
    }

    fn properties(&self, from: &serde_json::Map<String, serde_json::Value>, inner: Depth) -> Vec<Property> {
        let property = |(name, value): (&String, &serde_json::Value)| {
            let raw = RawProperty::deserialize(value).ok()?;
            let has = |bit: u32| raw.flags & bit != 0;
            let flags = Flags {
                required: has(1),
                read_only: has(2),
                write_only: has(4),
                constant: has(8),
                null: !has(1) && !has(2),
                ..Flags::default()
            };
            Some(Property { name: name.clone(), of: self.to(&raw.r#type, inner), flags })
        };
        from.iter().filter_map(property).collect()
    }
}
