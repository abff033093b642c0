//! The disk after a power cut, rebuilt from the record.
//!
//! Certain is what was flushed: the content of a file as it was when a flush began that ended before the cut, and the
//! names in a directory likewise. Every later write may have reached the disk or not, each sector of 512 bytes by
//! itself; so may every later change of a size, and every later name. A rename happens whole or not at all.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};

use super::{
    load::ACKS,
    recorder::{Kind, Operation, Recording},
};
use crate::support::seed::Random;

const SECTOR: usize = 512;
const IS_DIRECTORY: u8 = 1;
const IS_TRUNCATED: u8 = 2;
const ROOT: usize = 0;

/// A file or a directory; names come and go, this stays.
type Object = usize;
type Place = (Object, String);

enum Step {
    Link { at: Place, object: Object },
    Unlink { at: Place },
    Rename { from: Place, to: Place, object: Object },
    Write { object: Object, offset: u64, data: Vec<u8> },
    Resize { object: Object, size: u64 },
    Flushing { object: Object },
    Flushed { object: Object },
}

/// How likely it is, in percent, that something unflushed is on the disk all the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Survival(u64);

impl Survival {
    pub(crate) const NOTHING: Self = Self(0);
    pub(crate) const EVERYTHING: Self = Self(100);

    pub(crate) fn any(random: &mut Random) -> Self {
        Self([0, 20, 50, 80, 95, 100][random.below(6)])
    }
}

pub(crate) struct Disk {
    steps: Vec<Step>,
    objects: Vec<bool>,
    acks: Option<Object>,
}

#[derive(Default)]
struct Content {
    sectors: BTreeMap<u64, Vec<u8>>,
    size: u64,
}

impl Disk {
    pub(crate) fn of(recording: &Recording) -> Self {
        let mut reader = Reader::default();
        reader.new_object(true);
        for operation in recording.operations() {
            reader.read(operation);
        }
        let acks = reader.find(Path::new(ACKS));
        Self { steps: reader.steps, objects: reader.objects, acks }
    }

    /// The number of moments at which the power can go.
    pub(crate) fn moments(&self) -> usize {
        self.steps.len()
    }

    /// One of them; the start of the stack on an empty disk more often than by its length.
    pub(crate) fn moment(&self, random: &mut Random) -> usize {
        let first_ack =
            self.steps.iter().position(|step| matches!(step, Step::Write { object, .. } if Some(*object) == self.acks));
        match first_ack {
            Some(first) if random.below(5) == 0 => random.below(first + 1),
            _ => random.below(self.moments() + 1),
        }
    }

    /// Writes the disk as a cut before step `cut` may leave it, and returns what was acknowledged until then.
    pub(crate) fn rebuild(&self, cut: usize, survival: Survival, seed: u64, into: &Path) -> Vec<String> {
        let mut random = Random::new(seed);
        let flushed = self.flushed_until(cut);
        let mut names: HashMap<Object, BTreeMap<String, Object>> = HashMap::new();
        let mut contents: HashMap<Object, Content> = HashMap::new();
        let mut acks = Vec::new();
        for (index, step) in self.steps[..cut].iter().enumerate() {
            let mut stays = |object: Object| flushed[object] > index || random.below(100) < survival.0 as usize;
            match step {
                Step::Link { at: (directory, name), object } => {
                    if stays(*directory) {
                        names.entry(*directory).or_default().insert(name.clone(), *object);
                    }
                }
                Step::Unlink { at: (directory, name) } => {
                    if stays(*directory) {
                        names.entry(*directory).or_default().remove(name);
                    }
                }
                Step::Rename { from, to, object } => {
                    if stays(to.0) {
                        names.entry(from.0).or_default().remove(&from.1);
                        names.entry(to.0).or_default().insert(to.1.clone(), *object);
                    }
                }
                Step::Write { object, offset, data } => {
                    if Some(*object) == self.acks {
                        acks.extend_from_slice(data);
                    }
                    let content = contents.entry(*object).or_default();
                    for (offset, part) in sectors(*offset, data) {
                        if stays(*object) {
                            content.write(offset, part);
                        }
                    }
                }
                Step::Resize { object, size } => {
                    if stays(*object) {
                        contents.entry(*object).or_default().resize(*size);
                    }
                }
                Step::Flushing { .. } | Step::Flushed { .. } => {}
            }
        }
        self.write(ROOT, &names, &contents, into);
        let text = String::from_utf8(acks).expect("acknowledgements are text");
        // A line is acknowledged once it is whole.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    /// For each object, the step before which all of it is on the disk.
    fn flushed_until(&self, cut: usize) -> Vec<usize> {
        let mut flushed = vec![0; self.objects.len()];
        let mut under_way: HashMap<Object, Vec<usize>> = HashMap::new();
        for (index, step) in self.steps[..cut].iter().enumerate() {
            match step {
                Step::Flushing { object } => under_way.entry(*object).or_default().push(index),
                Step::Flushed { object } => {
                    let begun = under_way.get_mut(object).map(|begun| begun.remove(0));
                    // Of several flushes at once, the one that began first is the one that is certain.
                    flushed[*object] = flushed[*object].max(begun.expect("a flush begins before it ends"));
                }
                _ => {}
            }
        }
        flushed
    }

    fn write(
        &self,
        directory: Object,
        names: &HashMap<Object, BTreeMap<String, Object>>,
        contents: &HashMap<Object, Content>,
        into: &Path,
    ) {
        fs::create_dir_all(into).expect("a folder");
        for (name, object) in names.get(&directory).into_iter().flatten() {
            let path = into.join(name);
            if self.objects[*object] {
                self.write(*object, names, contents, &path);
            } else {
                let file = File::create(path).expect("a file");
                if let Some(content) = contents.get(object) {
                    content.save(&file);
                }
            }
        }
    }
}

fn sectors(offset: u64, data: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = offset + at as u64;
        let room = SECTOR - (start % SECTOR as u64) as usize;
        let part = data.get(at..data.len().min(at + room)).filter(|part| !part.is_empty())?;
        at += part.len();
        Some((start, part))
    })
}

impl Content {
    /// Writes within one sector.
    fn write(&mut self, offset: u64, part: &[u8]) {
        let sector = self.sectors.entry(offset / SECTOR as u64).or_insert_with(|| vec![0; SECTOR]);
        let at = (offset % SECTOR as u64) as usize;
        sector[at..at + part.len()].copy_from_slice(part);
        self.size = self.size.max(offset + part.len() as u64);
    }

    fn resize(&mut self, size: u64) {
        self.size = size;
        let last = size / SECTOR as u64;
        self.sectors.retain(|sector, _| *sector <= last);
        if let Some(sector) = self.sectors.get_mut(&last) {
            sector[(size % SECTOR as u64) as usize..].fill(0);
        }
    }

    fn save(&self, file: &File) {
        file.set_len(self.size).expect("room");
        for (sector, data) in &self.sectors {
            let offset = sector * SECTOR as u64;
            let length = (self.size - offset).min(SECTOR as u64) as usize;
            file.write_all_at(&data[..length], offset).expect("room");
        }
    }
}

/// Turns paths and inodes into objects.
#[derive(Default)]
struct Reader {
    steps: Vec<Step>,
    /// Whether each object is a directory.
    objects: Vec<bool>,
    names: HashMap<Object, BTreeMap<String, Object>>,
    inodes: HashMap<u64, Object>,
    inode_of: HashMap<Object, u64>,
}

impl Reader {
    fn new_object(&mut self, directory: bool) -> Object {
        self.objects.push(directory);
        self.objects.len() - 1
    }

    fn find(&self, path: &Path) -> Option<Object> {
        path.iter().try_fold(ROOT, |directory, name| self.names.get(&directory)?.get(name.to_str()?).copied())
    }

    fn place(&self, path: &Path) -> Place {
        let parent =
            path.parent().and_then(|parent| self.find(parent)).unwrap_or_else(|| panic!("no parent of {path:?}"));
        (parent, path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned())
    }

    /// Where a living object stands.
    fn place_of(&self, object: Object) -> Option<Place> {
        self.names.iter().find_map(|(directory, names)| {
            let (name, _) = names.iter().find(|(_, other)| **other == object)?;
            Some((*directory, name.clone()))
        })
    }

    fn link(&mut self, at: Place, object: Object) {
        self.names.entry(at.0).or_default().insert(at.1.clone(), object);
        self.steps.push(Step::Link { at, object });
    }

    fn rename(&mut self, from: Place, to: Place) {
        let object = self.names.entry(from.0).or_default().remove(&from.1).expect("what is renamed exists");
        self.names.entry(to.0).or_default().insert(to.1.clone(), object);
        self.steps.push(Step::Rename { from, to, object });
    }

    fn read(&mut self, operation: Operation) {
        let Operation { kind, flags, inode, offset, path, data } = operation;
        match kind {
            Kind::Open => {
                let object = self.open(&path, inode, flags & IS_DIRECTORY != 0);
                if flags & IS_TRUNCATED != 0 {
                    self.steps.push(Step::Resize { object, size: 0 });
                }
            }
            Kind::Write => self.steps.push(Step::Write { object: self.inodes[&inode], offset, data }),
            Kind::Resize => self.steps.push(Step::Resize { object: self.inodes[&inode], size: offset }),
            Kind::Flushing => self.steps.push(Step::Flushing { object: self.inodes[&inode] }),
            Kind::Flushed => self.steps.push(Step::Flushed { object: self.inodes[&inode] }),
            Kind::Rename => {
                let to = String::from_utf8(data).expect("paths are text");
                let (from, to) = (self.place(&path), self.place(to.as_ref()));
                self.rename(from, to);
            }
            Kind::Remove => {
                let at = self.place(&path);
                self.names.entry(at.0).or_default().remove(&at.1);
                self.steps.push(Step::Unlink { at });
            }
            Kind::MakeDirectory => {
                let object = self.new_object(true);
                let at = self.place(&path);
                self.link(at, object);
            }
        }
    }

    fn open(&mut self, path: &Path, inode: u64, directory: bool) -> Object {
        let named = self.find(path);
        if let Some(named) = named {
            let bound = self.inode_of.get(&named).copied();
            if bound.is_none() {
                self.bind(named, inode);
            }
            if bound.unwrap_or(inode) == inode {
                return named;
            }
        }
        // A name that now leads to another file whose name we know: it was renamed by a call that is no function of the
        // C library, and opened right after.
        if let Some(known) = self.inodes.get(&inode).copied()
            && let Some(from) = self.place_of(known)
        {
            let to = self.place(path);
            self.rename(from, to);
            return known;
        }
        assert_eq!(named, None, "{path:?} was replaced by something unknown");
        let object = self.new_object(directory);
        self.bind(object, inode);
        let at = self.place(path);
        self.link(at, object);
        object
    }

    fn bind(&mut self, object: Object, inode: u64) {
        self.inodes.insert(inode, object);
        self.inode_of.insert(object, inode);
    }
}

/// Files that are not the same in both directories.
pub(crate) fn differences(left: &Path, right: &Path) -> Vec<String> {
    let names = |path: &Path| -> Vec<_> {
        let mut names: Vec<_> =
            fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    if names(left) != names(right) {
        return vec![format!("{left:?} holds {:?}, and {right:?} {:?}", names(left), names(right))];
    }
    let mut found = Vec::new();
    for name in names(left) {
        let (left, right) = (left.join(&name), right.join(&name));
        if left.is_dir() {
            found.extend(differences(&left, &right));
        } else if fs::read(&left).expect("a file") != fs::read(&right).expect("a file") {
            found.push(left.display().to_string());
        }
    }
    found
}
