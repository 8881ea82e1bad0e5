/// Two parts, taken over from their own plans.
#[allow(dead_code)]
VISION for other_crate::VisionForCausalLM as "text only";

"model.language_model" => include other_crate::LANGUAGE_MODEL,
"lm_head" => Colwise,
