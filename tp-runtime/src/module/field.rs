//! What a field of a module may be: one module, an optional one, or a numbered list.

use std::rc::Rc;

use super::{Layer, Module, ModulePath};
use tp_plan::{Arity, Node};

/// A field's type in a `#[derive(Module)]` struct: `T`, `Option<T>`, `Vec<T>`, `Rc<[T]>`
/// or `Box<T>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no module",
    label = "a field is a module, or an `Option`, `Vec`, `Rc<[_]>` or `Box` of one",
    note = "write `#[module(skip)]` above a field that holds something else"
)]
pub trait Field {
    /// How many modules the field holds.
    const ARITY: Arity;
    /// The type of each.
    const NODE: &'static Node;

    /// Calls `visitor` for every leaf layer of the field, which stands at `path`.
    fn visit<'a>(&'a self, path: &ModulePath, visitor: &mut dyn FnMut(&ModulePath, &'a dyn Layer));
}

#[diagnostic::do_not_recommend] // a type that is no module is no field either: say the latter
impl<M: Module> Field for M {
    const ARITY: Arity = Arity::One;
    const NODE: &'static Node = M::NODE;

    fn visit<'a>(&'a self, path: &ModulePath, visitor: &mut dyn FnMut(&ModulePath, &'a dyn Layer)) {
        Module::visit(self, path, visitor);
    }
}

impl<M: Module> Field for Option<M> {
    const ARITY: Arity = Arity::Optional;
    const NODE: &'static Node = M::NODE;

    fn visit<'a>(&'a self, path: &ModulePath, visitor: &mut dyn FnMut(&ModulePath, &'a dyn Layer)) {
        if let Some(module) = self {
            module.visit(path, visitor);
        }
    }
}

impl<M: Module> Field for Vec<M> {
    const ARITY: Arity = Arity::List;
    const NODE: &'static Node = M::NODE;

    fn visit<'a>(&'a self, path: &ModulePath, visitor: &mut dyn FnMut(&ModulePath, &'a dyn Layer)) {
        for (index, module) in self.iter().enumerate() {
            module.visit(&path.join(index), visitor);
        }
    }
}

/// A list that a backward shares, which runs layers again: see [`recompute`](super::recompute).
impl<M: Module> Field for Rc<[M]> {
    const ARITY: Arity = Arity::List;
    const NODE: &'static Node = M::NODE;

    fn visit<'a>(&'a self, path: &ModulePath, visitor: &mut dyn FnMut(&ModulePath, &'a dyn Layer)) {
        for (index, module) in self.iter().enumerate() {
            module.visit(&path.join(index), visitor);
        }
    }
}

impl<M: Module> Module for Box<M> {
    const NODE: &'static Node = M::NODE;

    fn visit<'a>(&'a self, path: &ModulePath, visitor: &mut dyn FnMut(&ModulePath, &'a dyn Layer)) {
        (**self).visit(path, visitor);
    }
}
