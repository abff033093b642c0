//! The types of resources and modules, from their declarations.

use std::rc::Rc;

use super::{
    infer::Here,
    model::Symbol,
    types::{
        self, Flags, Level, Object, Text, Type,
        azure::Lookup,
        body::{self, Declared},
    },
};

use crate::syntax::ast::TypeKind;

impl<'a> Here<'_, 'a> {
    /// The type of a resource.
    pub(crate) fn resource(&self, at: usize) -> Rc<types::Resource> {
        if let Some(known) = self.all.resources.borrow().get(&(self.at, at)) {
            return known.clone();
        }
        let resource = Rc::new(self.describe(at));
        self.all.resources.borrow_mut().insert((self.at, at), resource.clone());
        resource
    }

    fn describe(&self, at: usize) -> types::Resource {
        let everywhere = 31;
        let unknown = |kind: &str, version: &str, body| types::Resource {
            kind: kind.to_owned(),
            version: version.to_owned(),
            body,
            writable: everywhere,
        };
        let Some(resource) = self.model.resources.get(at).filter(|resource| !resource.kind.is_empty()) else {
            return unknown("", "", Type::Any);
        };
        let (kind, version) = (resource.kind.as_str(), resource.version.as_str());
        let has_parent =
            resource.outer.is_some() || resource.declared.body().is_some_and(|body| body.property("parent").is_some());
        let mut declared = Declared {
            existing: resource.declared.existing.is_some(),
            nested: resource.outer.is_some(),
            has_parent,
            extension_only: false,
        };
        let Some(azure) = &self.all.azure else { return unknown(kind, version, Type::Any) };
        match azure.find(kind, version) {
            Lookup::Type { body, writable, readable } => {
                let scopes = writable | readable;
                declared.extension_only = scopes == Level::Resource as u8 && kind.matches('/').count() < 1;
                let body = body::body(&body, kind, declared);
                let writable = if declared.existing { scopes } else { writable };
                types::Resource { kind: kind.to_owned(), version: version.to_owned(), body, writable }
            }
            // Nothing is known about a type that is not in the folder; of one that does not exist, the frame is.
            Lookup::Elsewhere => unknown(kind, version, Type::Any),
            Lookup::Nowhere => unknown(kind, version, body::unknown(kind, declared)),
        }
    }

    /// The type of a module: what its file takes and gives.
    pub(crate) fn module(&self, at: usize) -> Rc<Object> {
        if let Some(known) = self.all.modules.borrow().get(&(self.at, at)) {
            return known.clone();
        }
        let there = self.model.modules.get(at).and_then(|module| self.all.file(module.file?));
        let object = Rc::new(match there {
            Some(there) => self.interface(&there),
            None => Object {
                name: "module".to_owned(),
                rest: Some(types::Rest { of: Type::Any, discouraged: false }),
                ..Object::default()
            },
        });
        self.all.modules.borrow_mut().insert((self.at, at), object.clone());
        object
    }

    fn interface(&self, there: &Here<'_, 'a>) -> Object {
        let mut params = there.takes();
        // Null stands for the default.
        params.properties.iter_mut().for_each(|property| property.flags.null = !property.flags.required);
        let needs_params = params.properties.iter().any(|property| property.flags.required);
        let mut outputs = Object { name: "outputs".to_owned(), ..Object::default() };
        for output in &there.model.outputs {
            let ty = there.decorated(there.written(output.ty), output.decorators, false);
            outputs.set(&output.name.text, ty, Flags { read_only: true, ..Flags::default() });
        }
        let mut object = Object { name: "module".to_owned(), ..Object::default() };
        let name = Text { least: Some(1), most: Some(64), pattern: Some(r"^[-\w._()]+$".into()), ..Text::default() };
        let system = Flags { system: true, ..Flags::default() };
        object.set("name", Type::Text(name), Flags { constant: true, known: true, ..system });
        let place = Flags { write_only: true, constant: true, known: true, ..system };
        object.set("scope", Type::Any, Flags { required: there.model.level != self.model.level, ..place });
        object.set(
            "params",
            Type::Object(Rc::new(params)),
            Flags { required: needs_params, write_only: true, ..system },
        );
        object.set("outputs", Type::Object(Rc::new(outputs)), Flags { read_only: true, ..system });
        object.set("dependsOn", Type::Any, Flags { write_only: true, ..system });
        object.set("identity", Type::object(), Flags { constant: true, ..system });
        object
    }

    /// The parameters of the file.
    pub(crate) fn takes(&self) -> Object {
        let mut params = Object { name: "params".to_owned(), ..Object::default() };
        for (at, parameter) in self.model.parameters.iter().enumerate() {
            let ty = self.parameter(at);
            // Said with `?`, or by the type that is named.
            let may_be_null =
                parameter.ty.is_some_and(|ty| matches!(ty.kind, TypeKind::Nullable(_))) || ty.is_nullable();
            let required = parameter.default.is_none() && !may_be_null;
            params.set(&parameter.name.text, ty, Flags { required, ..Flags::default() });
        }
        params
    }

    /// Where something declared with this scope is deployed; `None` where that cannot be told.
    pub(crate) fn level_of(&self, scope: &'a crate::syntax::ast::Expression) -> Option<Level> {
        match self.type_of(scope) {
            Type::Scope(level, _) => Some(level),
            Type::Resource(resource) => Some(match resource.kind.to_lowercase().as_str() {
                "microsoft.resources/resourcegroups" => Level::ResourceGroup,
                "microsoft.management/managementgroups" => Level::ManagementGroup,
                "microsoft.subscription/aliases" => return None,
                _ => Level::Resource,
            }),
            _ => None,
        }
    }

    /// The resource that is a resource's parent: the one around it, or the one it names.
    pub(crate) fn parent(&self, at: usize) -> Option<usize> {
        let resource = self.model.resources.get(at)?;
        if resource.outer.is_some() {
            return resource.outer;
        }
        let parent = resource.declared.body()?.property("parent")?;
        match self.reached(&parent.value) {
            Some(Symbol::Resource(parent)) if parent != at => Some(parent),
            _ => None,
        }
    }
}
