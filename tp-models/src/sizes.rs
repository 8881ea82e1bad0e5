//! What ranks divide of each config, for `assert_shards!`.

use tp_runtime::plan::Size;

/// The sizes of a decoder under their names in `config.json`.
const fn decoder(
    [vocabulary, hidden, intermediate]: [i64; 3],
    heads: i64,
    key_value_heads: i64,
) -> [Size; 5] {
    [
        Size::features("vocab_size", vocabulary),
        Size::features("hidden_size", hidden),
        Size::features("intermediate_size", intermediate),
        Size::heads("num_attention_heads", heads),
        Size::heads("num_key_value_heads", key_value_heads),
    ]
}

macro_rules! sizes {
    ($($config:ty),* $(,)?) => {$(
        impl $config {
            /// The sizes that ranks divide, for `assert_shards!`.
            pub const fn sizes(&self) -> [Size; 5] {
                let key_value_heads = match self.num_key_value_heads {
                    Some(count) => count,
                    None => self.num_attention_heads,
                };
                decoder(
                    [self.vocab_size, self.hidden_size, self.intermediate_size],
                    self.num_attention_heads,
                    key_value_heads,
                )
            }
        }
    )*};
}

sizes!(
    crate::llama::LlamaConfig,
    crate::ministral3::Ministral3Config,
    crate::phi::PhiConfig,
    crate::phi3::Phi3Config,
    crate::qwen2::Qwen2Config,
    crate::qwen3::Qwen3Config,
);

impl crate::gemma3::Gemma3TextConfig {
    /// The sizes that ranks divide, for `assert_shards!`.
    pub const fn sizes(&self) -> [Size; 5] {
        decoder(
            [self.vocab_size, self.hidden_size, self.intermediate_size],
            self.num_attention_heads,
            self.num_key_value_heads,
        )
    }
}
