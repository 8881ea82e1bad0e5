#[derive(Module)]
#[module(name = L::MODEL)]
pub struct Decoder<L: DecoderLayer, const N: usize> {
    layers: Vec<L>,
}
