//! A model's forward as steps on a stack of activations.
//!
//! A `const fn` has no traits to call back into, so the walk hands out its steps one by one: rustc
//! takes them to check a plan, `explain` to count collectives.

use crate::lookup::singled_out;
use crate::{Arity, ModuleKind, Node, Path, Plan, Stage};

/// What happens to the stack of activations; the model's input lies on it first, its output last.
#[derive(Clone, Copy)]
pub enum Step<'a> {
    /// The top becomes what the layer makes of it.
    Layer(Path<'a>, ModuleKind),
    /// A struct begins: its input is laid on top once more, as the residual stream below.
    Enter,
    /// A struct ends: its residual stream is dropped from below its output.
    Leave,
    /// A struct does not say how its modules feed one another.
    Undeclared(Path<'a>, &'static Node),
    /// What is so many below the top is laid on top, for a further reader.
    Copy(usize),
    /// What is below the top is dropped.
    Drop,
    /// The two on top become one.
    Join(Meeting),
    /// The list's elements that no row singles out: the top is what such an element makes of what is
    /// below it. See [`Steps::repeat`].
    Element,
}

/// Where two activations meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// A branch is added to the residual stream, which it then becomes.
    Residual,
    /// Branches that one layer reads, or that are multiplied before it does.
    Branches,
}

/// The modules that the walk finds.
#[derive(Clone, Copy)]
pub enum Modules<'a> {
    /// Those of any configuration: an optional module is there, and of a list the elements that rows of
    /// the plan single out, with one other before each and after the last.
    Any(&'a Plan),
    /// Those of one configuration, by their paths, structs before what stands in them.
    Built(&'a [&'a str]),
}

/// More than the deepest model has to remember at once.
const TASKS: usize = 64;

/// The steps of one forward.
pub struct Steps<'a> {
    modules: Modules<'a>,
    tasks: [Task<'a>; TASKS],
    count: usize,
    /// The element that may be repeated.
    element: Option<(&'static Node, Path<'a>)>,
}

/// What is still to be done, the next task last.
#[derive(Clone, Copy)]
enum Task<'a> {
    Step(Step<'a>),
    Module(&'static Node, Path<'a>),
    /// The stages of a struct, from the one at the index on.
    Stages(&'static Node, Path<'a>, usize),
    /// The branches of a stage, from the one at the index on, of which so many were followed.
    Branches(&'static Node, Path<'a>, Branches, usize, usize),
    /// The children that feed one another, from the one at the index on.
    Chain(&'static Node, Path<'a>, &'static [&'static str], usize),
    /// The elements of a list, from the index on.
    List(&'static Node, Path<'a>, usize),
}

type Branches = &'static [&'static [&'static str]];

impl<'a> Steps<'a> {
    /// The steps through the model `node`.
    pub const fn new(node: &'static Node, modules: Modules<'a>) -> Self {
        let mut steps = Self {
            modules,
            tasks: [Task::Step(Step::Drop); TASKS],
            count: 0,
            element: None,
        };
        steps.push(Task::Module(node, Path::ROOT));
        steps
    }

    /// The next step; `None` at the end of the forward.
    pub const fn next(&mut self) -> Option<Step<'a>> {
        while self.count > 0 {
            self.count -= 1;
            let step = match self.tasks[self.count] {
                Task::Step(step) => Some(step),
                Task::Module(node, path) => Some(self.module(node, path)),
                Task::Stages(node, path, at) => self.stage(node, path, at),
                Task::Branches(node, path, branches, at, followed) => {
                    self.branch(node, path, branches, at, followed)
                }
                Task::Chain(node, path, names, at) => {
                    self.chain(node, path, names, at);
                    None
                }
                Task::List(node, path, from) => self.list(node, path, from),
            };
            if step.is_some() {
                return step;
            }
        }
        None
    }

    /// Goes once more through the element of the last [`Step::Element`]: another one reads what it gives.
    pub const fn repeat(&mut self) {
        if let Some((node, path)) = self.element {
            self.push(Task::Module(node, path));
        }
    }

    const fn push(&mut self, task: Task<'a>) {
        assert!(self.count < TASKS, "a model nests too deep");
        self.tasks[self.count] = task;
        self.count += 1;
    }

    const fn module(&mut self, node: &'static Node, path: Path<'a>) -> Step<'a> {
        if !matches!(node.kind, ModuleKind::Container) {
            return Step::Layer(path, node.kind);
        }
        if node.flow.is_empty() {
            return Step::Undeclared(path, node);
        }
        self.push(Task::Stages(node, path, 0));
        Step::Enter
    }

    const fn stage(&mut self, node: &'static Node, path: Path<'a>, at: usize) -> Option<Step<'a>> {
        if at == node.flow.len() {
            return Some(Step::Leave);
        }
        self.push(Task::Stages(node, path, at + 1));
        match node.flow[at] {
            Stage::Residual => Some(Step::Join(Meeting::Residual)),
            Stage::Feed(branches) => {
                self.push(Task::Branches(node, path, branches, 0, 0));
                None
            }
        }
    }

    /// Each branch reads the same activation; what they end in is joined.
    const fn branch(
        &mut self,
        node: &'static Node,
        path: Path<'a>,
        branches: Branches,
        at: usize,
        followed: usize,
    ) -> Option<Step<'a>> {
        let next = self.next_branch(node, &path, branches, at);
        if next == branches.len() {
            return if followed > 0 { Some(Step::Drop) } else { None };
        }
        let is_alone =
            followed == 0 && self.next_branch(node, &path, branches, next + 1) == branches.len();
        if is_alone {
            self.push(Task::Chain(node, path, branches[next], 0));
            return None;
        }
        self.push(Task::Branches(node, path, branches, next + 1, followed + 1));
        if followed > 0 {
            self.push(Task::Step(Step::Join(Meeting::Branches)));
        }
        self.push(Task::Chain(node, path, branches[next], 0));
        // What the branches before made lies above the activation.
        Some(Step::Copy(if followed > 0 { 1 } else { 0 }))
    }

    /// The first branch from `at` on of which some module is there.
    const fn next_branch(
        &self,
        node: &'static Node,
        path: &Path<'a>,
        branches: Branches,
        mut at: usize,
    ) -> usize {
        while at < branches.len() {
            let mut name = 0;
            while name < branches[at].len() {
                if let Some(child) = node.child(branches[at][name])
                    && self.is_there(&path.child(child))
                {
                    return at;
                }
                name += 1;
            }
            at += 1;
        }
        at
    }

    const fn chain(
        &mut self,
        node: &'static Node,
        path: Path<'a>,
        names: &'static [&'static str],
        at: usize,
    ) {
        if at == names.len() {
            return;
        }
        self.push(Task::Chain(node, path, names, at + 1));
        // The derive wrote the flow of children that there are.
        if let Some(child) = node.child(names[at]) {
            let path = path.child(child);
            if self.is_there(&path) {
                self.push(match child.arity {
                    Arity::List => Task::List(child.node, path, 0),
                    Arity::One | Arity::Optional => Task::Module(child.node, path),
                });
            }
        }
    }

    /// The elements of a list, one after another.
    const fn list(&mut self, node: &'static Node, path: Path<'a>, from: usize) -> Option<Step<'a>> {
        match self.modules {
            Modules::Built(modules) => {
                if let Some((at, element)) = path.next_element(modules, from) {
                    self.push(Task::List(node, path, at + 1));
                    self.push(Task::Module(node, path.element(element)));
                }
                None
            }
            Modules::Any(plan) => {
                let others = path.elements();
                if let Some(element) = singled_out(plan, &path, 0, from) {
                    self.push(Task::List(node, path, element.index + 1));
                    self.push(Task::Module(node, path.element(element.segment)));
                    if element.index > from {
                        self.push(Task::Module(node, others));
                    }
                    return None;
                }
                self.element = Some((node, others));
                self.push(Task::Step(Step::Element));
                self.push(Task::Module(node, others));
                Some(Step::Copy(0))
            }
        }
    }

    const fn is_there(&self, path: &Path<'a>) -> bool {
        let modules = match self.modules {
            Modules::Any(_) => return true,
            Modules::Built(modules) => modules,
        };
        let mut at = 0;
        while at < modules.len() {
            if path.is_named_by(modules[at], 0) {
                return true;
            }
            at += 1;
        }
        false
    }
}
