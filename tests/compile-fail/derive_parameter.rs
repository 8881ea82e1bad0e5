use tp_runtime::Module;
use tp_runtime::nn::Linear;

#[derive(Module)]
struct Block<T: 'static> {
    proj: Linear,
    #[module(skip)]
    marker: std::marker::PhantomData<T>,
}

fn main() {}
