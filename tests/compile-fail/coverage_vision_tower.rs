use tp_models::gemma3::GEMMA3_TEXT_MODEL;
use tp_models::Gemma3ForConditionalGeneration;
use tp_runtime::tp_plan;

tp_plan! {
    /// Forgets the images.
    pub PLAN for Gemma3ForConditionalGeneration;
    "model.language_model" => include GEMMA3_TEXT_MODEL,
    "lm_head" => Colwise,
}

fn main() {}
