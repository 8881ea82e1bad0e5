//! What all leaf layers share: their place in the tree, and the slot their style goes into.

#[cfg(feature = "torch")]
use {super::Placed, crate::model::ModelError};

/// Where a layer keeps its style and its ranks once a plan is applied.
#[derive(Default)]
pub(super) struct Slot {
    #[cfg(feature = "torch")]
    placed: std::cell::OnceCell<Placed>,
}

#[cfg(feature = "torch")]
impl Slot {
    /// What the layer was given.
    ///
    /// # Errors
    /// When no plan was applied to the model.
    pub(super) fn get(&self) -> Result<&Placed, ModelError> {
        self.placed.get().ok_or(ModelError::NoPlan)
    }

    pub(super) fn set(&self, placed: Placed) {
        if self.placed.set(placed).is_err() {
            panic!("a plan is applied twice to one model");
        }
    }
}

/// Implements `Module` and `Layer` for a leaf with a `slot` and the named parameter fields.
macro_rules! leaf {
    ($layer:ident, $kind:ident, |$this:ident| $parameters:expr) => {
        impl crate::Module for $layer {
            const NODE: &'static crate::plan::Node = &crate::plan::Node {
                type_name: stringify!($layer),
                type_path: concat!(module_path!(), "::", stringify!($layer)),
                kind: crate::plan::ModuleKind::$kind,
                children: &[],
                flow: &[],
            };

            fn visit<'a>(
                &'a self,
                path: &crate::module::ModulePath,
                visitor: &mut dyn FnMut(&crate::module::ModulePath, &'a dyn crate::module::Layer),
            ) {
                visitor(path, self);
            }
        }

        impl crate::module::Layer for $layer {
            fn kind(&self) -> crate::plan::ModuleKind {
                crate::plan::ModuleKind::$kind
            }

            fn parameters(&self) -> Vec<(&'static str, &crate::module::Param)> {
                let $this = self;
                $parameters
            }

            #[cfg(feature = "torch")]
            fn place(&self, placed: crate::nn::Placed) {
                self.slot.set(placed);
            }
        }
    };
}
pub(super) use leaf;
