//! A model's forward as steps on a stack of activations.
//!
//! A `const fn` has no traits to call back into, so the walk hands out its steps one by one: rustc
//! takes them to check a plan, `explain` to count collectives.

use crate::fingerprint::Fingerprint;
use crate::lookup::{Element, singled_out};
use crate::{Arity, Child, ModuleKind, Node, Path, Plan, Stage};

/// What happens to the stack of activations, which holds the model's input first and its output last.
#[derive(Clone, Copy)]
pub enum Step {
    /// The top becomes what the layer at [`Steps::path`] makes of it.
    Layer(ModuleKind),
    /// A struct begins: its input is pushed once more, so that the copy below is its residual stream.
    Enter,
    /// A struct ends: its residual stream is dropped from below its output.
    Leave,
    /// The struct at [`Steps::path`] does not say how its modules feed one another.
    Undeclared(&'static Node),
    /// What is so many below the top is pushed, for a further reader.
    Copy(usize),
    /// What is below the top is dropped.
    Drop,
    /// The two on top become one.
    Join(JoinKind),
    /// The list's elements that no row singles out: the top is what such an element makes of what is
    /// below it. See [`Steps::repeat`].
    Element,
}

/// Why two activations are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// A branch is added to the residual stream, which it then becomes.
    Residual,
    /// Branches that one layer reads, or that are multiplied before it does.
    Branches,
}

/// The modules that the walk finds.
#[derive(Clone, Copy)]
pub enum Modules<'a> {
    /// The modules of any configuration: an optional module is there, and of a list the elements that rows of
    /// the plan single out, with one other before each and after the last.
    Any(&'a Plan),
    /// The modules of one configuration, by their paths, structs before their own modules.
    Built(&'a [&'a str]),
}

/// More than the deepest model has to remember at once.
const TASKS: usize = 64;

/// The steps of one forward.
pub struct Steps<'a> {
    modules: Modules<'a>,
    /// Where the walk stands. Deeper tasks are done first, so that its first segments are still those
    /// of each task that waits.
    path: Path<'a>,
    tasks: [Task<'a>; TASKS],
    count: usize,
    /// The element that may be repeated, and how deep its list is.
    element: Option<(&'static Node, usize)>,
}

/// What is still to be done, the next task last, each for a module of so many segments.
#[derive(Clone, Copy)]
enum Task<'a> {
    Step(Step),
    /// The module of this name.
    Module(&'static Node, usize, &'a str, Fingerprint),
    /// The stages of a struct, from the one at the index on.
    Stages(&'static Node, usize, usize),
    /// The branches of a stage, from the one at the index on, of which so many were followed.
    Branches(&'static Node, usize, Branches, usize, usize),
    /// The children that feed one another, from the one at the index on.
    Chain(&'static Node, usize, &'static [usize], usize),
    /// The elements of a list, from the index on.
    List(&'static Node, usize, usize),
}

type Branches = &'static [&'static [usize]];

impl<'a> Steps<'a> {
    /// The steps through the model `node`.
    pub const fn new(node: &'static Node, modules: Modules<'a>) -> Self {
        let mut steps = Self {
            modules,
            path: Path::ROOT,
            tasks: [Task::Step(Step::Drop); TASKS],
            count: 0,
            element: None,
        };
        let first = steps.module(node);
        steps.push(Task::Step(first));
        steps
    }

    /// The module of the last step.
    pub const fn path(&self) -> &Path<'a> {
        &self.path
    }

    /// The next step; `None` at the end of the forward.
    pub const fn next(&mut self) -> Option<Step> {
        while self.count > 0 {
            self.count -= 1;
            match self.tasks[self.count] {
                Task::Step(step) => return Some(step),
                Task::Module(node, depth, name, fingerprint) => {
                    self.path.back_to(depth);
                    self.path.enter(name, fingerprint);
                    return Some(self.module(node));
                }
                Task::Stages(node, depth, at) => {
                    if let Some(step) = self.stage(node, depth, at) {
                        return Some(step);
                    }
                }
                Task::Branches(node, depth, branches, at, followed) => {
                    self.path.back_to(depth);
                    if let Some(step) = self.branch(node, branches, at, followed) {
                        return Some(step);
                    }
                }
                Task::Chain(node, depth, chain, at) => {
                    self.path.back_to(depth);
                    if let Some(step) = self.chain(node, chain, at) {
                        return Some(step);
                    }
                }
                Task::List(node, depth, from) => {
                    self.path.back_to(depth);
                    if let Some(step) = self.list(node, from) {
                        return Some(step);
                    }
                }
            }
        }
        None
    }

    /// Goes once more through the element of the last [`Step::Element`]: another one reads what it gives.
    pub const fn repeat(&mut self) {
        if let Some((node, depth)) = self.element {
            self.push(Task::Module(node, depth, "*", Fingerprint::STAR));
        }
    }

    const fn push(&mut self, task: Task<'a>) {
        assert!(self.count < TASKS, "a model nests too deep");
        self.tasks[self.count] = task;
        self.count += 1;
    }

    /// The first step of the module at the path.
    const fn module(&mut self, node: &'static Node) -> Step {
        if !matches!(node.kind, ModuleKind::Container) {
            return Step::Layer(node.kind);
        }
        if node.flow.is_empty() {
            return Step::Undeclared(node);
        }
        self.push(Task::Stages(node, self.path.length(), 0));
        Step::Enter
    }

    const fn stage(&mut self, node: &'static Node, depth: usize, at: usize) -> Option<Step> {
        if at == node.flow.len() {
            return Some(Step::Leave);
        }
        self.push(Task::Stages(node, depth, at + 1));
        match node.flow[at] {
            Stage::Residual => Some(Step::Join(JoinKind::Residual)),
            Stage::Feed([chain]) => {
                self.path.back_to(depth);
                self.chain(node, chain, 0)
            }
            Stage::Feed(branches) => {
                self.push(Task::Branches(node, depth, branches, 0, 0));
                None
            }
        }
    }

    /// Each branch reads the same activation; what they end in is joined.
    const fn branch(
        &mut self,
        node: &'static Node,
        branches: Branches,
        at: usize,
        followed: usize,
    ) -> Option<Step> {
        let depth = self.path.length();
        let next = self.next_branch(node, branches, at);
        if next == branches.len() {
            return if followed > 0 { Some(Step::Drop) } else { None };
        }
        let is_alone =
            followed == 0 && self.next_branch(node, branches, next + 1) == branches.len();
        if is_alone {
            self.push(Task::Chain(node, depth, branches[next], 0));
            return None;
        }
        self.push(Task::Branches(
            node,
            depth,
            branches,
            next + 1,
            followed + 1,
        ));
        if followed > 0 {
            self.push(Task::Step(Step::Join(JoinKind::Branches)));
        }
        self.push(Task::Chain(node, depth, branches[next], 0));
        // The output of the branches before is above the activation.
        Some(Step::Copy(if followed > 0 { 1 } else { 0 }))
    }

    /// The first branch from `at` on of which some module is there.
    const fn next_branch(&self, node: &'static Node, branches: Branches, mut at: usize) -> usize {
        if matches!(self.modules, Modules::Any(_)) {
            return at;
        }
        while at < branches.len() {
            let mut link = 0;
            while link < branches[at].len() {
                if self.is_there(&node.children[branches[at][link]]) {
                    return at;
                }
                link += 1;
            }
            at += 1;
        }
        at
    }

    const fn chain(
        &mut self,
        node: &'static Node,
        chain: &'static [usize],
        at: usize,
    ) -> Option<Step> {
        if at + 1 < chain.len() {
            self.push(Task::Chain(node, self.path.length(), chain, at + 1));
        }
        let child = &node.children[chain[at]];
        if !self.is_there(child) {
            return None;
        }
        self.path.enter(child.name, child.fingerprint);
        match child.arity {
            Arity::List => self.list(child.node, 0),
            Arity::One | Arity::Optional => Some(self.module(child.node)),
        }
    }

    /// The elements of the list at the path, one after another.
    const fn list(&mut self, node: &'static Node, from: usize) -> Option<Step> {
        let depth = self.path.length();
        match self.modules {
            Modules::Built(modules) => {
                if let Some((at, element)) = self.path.next_element(modules, from) {
                    self.push(Task::List(node, depth, at + 1));
                    self.push(Task::Module(node, depth, element, Fingerprint::of(element)));
                }
                None
            }
            Modules::Any(plan) => {
                let others = Task::Module(node, depth, "*", Fingerprint::STAR);
                if let Some(Element { index, segment }) = singled_out(plan, &self.path, 0, from) {
                    self.push(Task::List(node, depth, index + 1));
                    self.push(Task::Module(node, depth, segment, Fingerprint::of(segment)));
                    if index > from {
                        self.push(others);
                    }
                    return None;
                }
                self.element = Some((node, depth));
                self.push(Task::Step(Step::Element));
                self.push(others);
                Some(Step::Copy(0))
            }
        }
    }

    const fn is_there(&self, child: &Child) -> bool {
        match self.modules {
            Modules::Any(_) => true,
            Modules::Built(modules) => self.path.child(child).is_among(modules),
        }
    }
}
