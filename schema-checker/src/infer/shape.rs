//! Shapes: what was seen at one place, counted.

use serde_json::{Map, Value};

/// Levels of objects and arrays that are looked into.
pub(super) const MAX_DEPTH: usize = 16;
/// Names that one object's place keeps apart.
pub(super) const MAX_NAMES: usize = 256;
/// Places that are kept apart in all.
const MAX_PLACES: usize = 4_096;

/// Events that were seen, in numbers.
#[derive(Debug, Default)]
pub struct Seen {
    pub(super) root: Shape,
    pub(super) events: u64,
    /// Events that are no objects.
    pub(super) others: u64,
    places: usize,
}

impl Seen {
    /// Counts one event's data.
    pub fn add(&mut self, data: &Value) {
        if data.is_object() {
            self.events += 1;
            self.root.add(data, 0, &mut self.places);
        } else {
            self.others += 1;
        }
    }

    /// Events that count.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }
}

/// What was seen at one place. Nothing of any value stays.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// How often anything was there.
    pub(super) seen: u64,
    pub(super) nulls: u64,
    pub(super) booleans: u64,
    /// Whole numbers that fit a `long`.
    pub(super) integers: u64,
    /// Whole numbers that do not.
    pub(super) large: u64,
    pub(super) fractions: u64,
    pub(super) texts: u64,
    pub(super) arrays: u64,
    pub(super) items: Option<Box<Self>>,
    pub(super) objects: u64,
    /// Members by name, in the order in which they were seen first.
    pub(super) members: Vec<(String, Self)>,
    /// Members beyond what is kept apart, as one.
    pub(super) others: Option<Box<Self>>,
    /// Whether there was more below than was looked into.
    pub(super) is_cut: bool,
}

impl Shape {
    pub(super) fn add(&mut self, value: &Value, depth: usize, places: &mut usize) {
        self.seen += 1;
        match value {
            Value::Null => self.nulls += 1,
            Value::Bool(_) => self.booleans += 1,
            Value::Number(number) => {
                let text = number.to_string();
                if number.as_i64().is_some() {
                    self.integers += 1;
                } else if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
                    self.large += 1;
                } else {
                    self.fractions += 1;
                }
            }
            Value::String(_) => self.texts += 1,
            Value::Array(values) => {
                self.arrays += 1;
                for value in values {
                    let Some(items) = place(&mut self.items, depth, places) else {
                        self.is_cut = true;
                        break;
                    };
                    items.add(value, depth + 1, places);
                }
            }
            Value::Object(members) => self.object(members, depth, places),
        }
    }

    fn object(&mut self, members: &Map<String, Value>, depth: usize, places: &mut usize) {
        self.objects += 1;
        for (name, value) in members {
            if let Some((_, member)) = self.members.iter_mut().find(|(known, _)| known == name) {
                member.add(value, depth + 1, places);
            } else if depth < MAX_DEPTH && *places < MAX_PLACES && self.members.len() < MAX_NAMES {
                *places += 1;
                let mut member = Self::default();
                member.add(value, depth + 1, places);
                self.members.push((name.clone(), member));
            } else if let Some(others) = place(&mut self.others, depth, places) {
                others.add(value, depth + 1, places);
            } else {
                self.is_cut = true;
            }
        }
    }
}

/// The place, made if there is room for it.
fn place<'s>(place: &'s mut Option<Box<Shape>>, depth: usize, places: &mut usize) -> Option<&'s mut Shape> {
    if place.is_none() {
        if depth >= MAX_DEPTH || *places >= MAX_PLACES {
            return None;
        }
        *places += 1;
    }
    Some(place.get_or_insert_with(Box::default))
}
