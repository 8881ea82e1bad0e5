//! `leaf!`: what a struct of parameters needs to be a layer.

use super::Param;
use tp_plan::{ModuleKind, Text, pattern::same};

/// Makes a struct a layer: implements [`Module`](crate::Module) and [`Layer`](crate::module::Layer).
///
/// The struct has a field `context` of type [`ParallelContext`](crate::module::ParallelContext).
/// What follows its name is its kind, then the fields that are parameters ([`Param`] or
/// `Option<Param>`; their names are those in the checkpoint, unless `field: "name"` says another),
/// then how many features it gives, where these are not as many as it reads, and the field of type
/// [`LowRankSlot`](crate::module::LowRankSlot), if it takes adapters.
///
/// The kind's rules say how each parameter is placed; one that leaves a parameter out does not
/// compile:
///
/// ```compile_fail
/// # use tp_runtime::module::{Param, ParallelContext};
/// # use tp_runtime::plan::ModuleKind;
/// struct Adapter {
///     weight: Param,
///     lora_a: Param,
///     context: ParallelContext,
/// }
///
/// tp_runtime::leaf!(Adapter, ModuleKind::Linear, [weight, lora_a: "lora_A"]);
/// ```
#[macro_export]
macro_rules! leaf {
    ($layer:ident, $kind:expr, [$($field:ident $(: $name:literal)?),* $(,)?]
        $(, |$this:ident, $input:pat_param| $features:expr)? $(, low_rank: $slot:ident)? $(,)?) => {
        const _: () = $crate::__private::check_leaf(
            $kind,
            &[$($crate::leaf!(@name $field $($name)?)),*],
        );

        impl $crate::Module for $layer {
            const NODE: &'static $crate::plan::Node = &$crate::plan::Node {
                type_name: ::core::stringify!($layer),
                type_path: ::core::concat!(::core::module_path!(), "::", ::core::stringify!($layer)),
                kind: $kind,
                children: &[],
                flow: &[],
            };

            fn visit<'a>(
                &'a self,
                path: &$crate::module::ModulePath,
                visitor: &mut dyn ::core::ops::FnMut(
                    &$crate::module::ModulePath,
                    &'a dyn $crate::module::Layer,
                ),
            ) {
                visitor(path, self);
            }
        }

        impl $crate::module::Layer for $layer {
            fn kind(&self) -> $crate::plan::ModuleKind {
                $kind
            }

            fn parameters(&self) -> ::std::vec::Vec<(&'static str, &$crate::module::Param)> {
                let fields: ::std::vec::Vec<::core::option::Option<_>> = ::std::vec![$(
                    $crate::__private::LeafField::param(&self.$field)
                        .map(|param| ($crate::leaf!(@name $field $($name)?), param))
                ),*];
                let parameters = fields.into_iter().flatten();
                $(let parameters = parameters.chain(self.$slot.parameters());)?
                parameters.collect()
            }

            $(
                fn low_rank(&self) -> ::core::option::Option<&$crate::module::LowRankSlot> {
                    ::core::option::Option::Some(&self.$slot)
                }
            )?

            fn context(&self) -> &$crate::module::ParallelContext {
                &self.context
            }

            $(
                fn output_features(&self, $input: i64) -> i64 {
                    let $this = self;
                    $features
                }
            )?
        }
    };
    (@name $field:ident) => { ::core::stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
}

/// A field of a layer that may be a parameter.
pub trait LeafField {
    /// The parameter, if this layer has it.
    fn param(&self) -> Option<&Param>;
}

impl LeafField for Param {
    fn param(&self) -> Option<&Param> {
        Some(self)
    }
}

impl LeafField for Option<Param> {
    fn param(&self) -> Option<&Param> {
        self.as_ref()
    }
}

/// Panics unless the kind says what a layer of it is without a style, and every style that fits it
/// says how these parameters are placed.
#[track_caller]
pub const fn check_leaf(kind: ModuleKind, leaves: &[&str]) {
    assert!(
        kind.rule(None).is_some(),
        "this kind has no rule without a style: add one, such as `WHOLE`"
    );
    let rules = kind.rules();
    let (mut at, mut leaf) = (0, 0);
    while at < rules.len() {
        while leaf < leaves.len() {
            if let Some(style) = rules[at].style
                && !lists(rules[at].parameters, leaves[leaf])
            {
                let text = Text::of(&[
                    "`",
                    style.name(),
                    "` does not say how the parameter `",
                    leaves[leaf],
                    "` is placed: list it in the rule of the layer's kind",
                ]);
                panic!("{}", text.as_str());
            }
            leaf += 1;
        }
        (at, leaf) = (at + 1, 0);
    }
}

const fn lists(parameters: &[(&str, tp_plan::Placement)], leaf: &str) -> bool {
    let mut at = 0;
    while at < parameters.len() {
        if same(parameters[at].0, leaf) {
            return true;
        }
        at += 1;
    }
    false
}
