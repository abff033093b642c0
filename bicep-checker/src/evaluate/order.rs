use std::collections::BTreeSet;

use super::Snapshot;

/// What waits, or is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// By its number in [`Snapshot::resources`].
    Resource(usize),
    /// By its number in [`Snapshot::modules`]: all that is in it.
    Module(usize),
}

impl Snapshot {
    /// The numbers of the resources that are there before Azure begins with this one. A module that is waited for is waited for
    /// as a whole, and what a module waits for, all that is in it waits for.
    pub fn before(&self, resource: usize) -> BTreeSet<usize> {
        let mut open = vec![Node::Resource(resource)];
        let mut seen: BTreeSet<Node> = open.iter().copied().collect();
        let mut done = BTreeSet::new();
        while let Some(node) = open.pop() {
            let (after, module) = match node {
                Node::Resource(at) => {
                    self.resources.get(at).map_or_else(Default::default, |it| (it.after.clone(), it.module))
                }
                Node::Module(at) => {
                    self.modules.get(at).map_or_else(Default::default, |it| (it.after.clone(), it.parent))
                }
            };
            // A resource begins after its module does.
            let mut module = module;
            let mut next: Vec<Node> = after.into_iter().collect();
            while let Some(it) = module.and_then(|at| self.modules.get(at)) {
                next.extend(it.after.iter().copied());
                module = it.parent;
            }
            for node in next {
                if seen.insert(node) {
                    open.push(node);
                }
                if let Node::Module(finished) = node {
                    open.extend(self.members(finished).filter(|member| seen.insert(*member)));
                }
            }
        }
        done.extend(seen.into_iter().filter_map(|node| match node {
            Node::Resource(at) if at != resource => Some(at),
            _ => None,
        }));
        done
    }

    /// What is in a module, the modules in it included.
    fn members(&self, module: usize) -> impl Iterator<Item = Node> {
        let within = move |inner: Option<usize>| {
            let mut inner = inner;
            while let Some(at) = inner {
                if at == module {
                    return true;
                }
                inner = self.modules.get(at).and_then(|it| it.parent);
            }
            false
        };
        let modules = self.modules.iter().enumerate().filter(move |(_, it)| within(it.parent));
        let resources = self.resources.iter().enumerate().filter(move |(_, it)| within(it.module));
        modules.map(|(at, _)| Node::Module(at)).chain(resources.map(|(at, _)| Node::Resource(at)))
    }
}
