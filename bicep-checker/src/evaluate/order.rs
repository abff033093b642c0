use super::Snapshot;

/// What waits, or is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// By its number in [`Snapshot::resources`].
    Resource(usize),
    /// By its number in [`Snapshot::modules`]: all that is in it.
    Module(usize),
}

/// Which resources Azure has made before it begins with another.
#[derive(Clone, Debug, Default)]
pub struct Order(Vec<Vec<bool>>);

impl Order {
    /// Whether the resource of the first number is there before Azure begins with the second.
    pub fn is_before(&self, first: usize, then: usize) -> bool {
        self.0.get(then).and_then(|before| before.get(first)).copied().unwrap_or(false)
    }
}

impl Snapshot {
    /// The order of all resources. A module that is waited for is waited for as a whole, and what a module waits for, all that is in
    /// it waits for.
    pub fn order(&self) -> Order {
        let members: Vec<Vec<Node>> = (0..self.modules.len()).map(|module| self.members(module)).collect();
        Order((0..self.resources.len()).map(|resource| self.before(resource, &members)).collect())
    }

    /// Whether each resource is there before this one is begun.
    fn before(&self, resource: usize, members: &[Vec<Node>]) -> Vec<bool> {
        let mut resources = vec![false; self.resources.len()];
        let mut modules = vec![false; self.modules.len()];
        let mut open = vec![Node::Resource(resource)];
        while let Some(node) = open.pop() {
            let (after, mut module) = match node {
                Node::Resource(at) => self.resources.get(at).map_or((None, None), |it| (Some(&it.after), it.module)),
                Node::Module(at) => self.modules.get(at).map_or((None, None), |it| (Some(&it.after), it.parent)),
            };
            let mut next: Vec<Node> = after.into_iter().flatten().copied().collect();
            // What is in a module begins after the module does.
            while let Some(it) = module.and_then(|at| self.modules.get(at)) {
                next.extend(it.after.iter().copied());
                module = it.parent;
            }
            while let Some(node) = next.pop() {
                let seen = match node {
                    Node::Resource(at) => resources.get_mut(at),
                    Node::Module(at) => modules.get_mut(at),
                };
                if let Some(seen) = seen.filter(|seen| !**seen) {
                    *seen = true;
                    open.push(node);
                    if let Node::Module(at) = node {
                        next.extend(members.get(at).into_iter().flatten().copied());
                    }
                }
            }
        }
        resources
    }

    /// What is in a module, the modules in it and what is in them included.
    fn members(&self, module: usize) -> Vec<Node> {
        let within = |mut inner: Option<usize>| {
            while let Some(at) = inner.filter(|at| *at != module) {
                inner = self.modules.get(at).and_then(|it| it.parent);
            }
            inner.is_some()
        };
        let modules = self.modules.iter().enumerate().filter(|(_, it)| within(it.parent));
        let resources = self.resources.iter().enumerate().filter(|(_, it)| within(it.module));
        modules.map(|(at, _)| Node::Module(at)).chain(resources.map(|(at, _)| Node::Resource(at))).collect()
    }
}
