#[derive(Module)]
#[flow(norm -> q_proj, k_proj -> o_proj -> +)]
pub struct Attention<P: Module> {
    q_proj: P,
    k_proj: P,
    o_proj: Option<P>,
    #[module(rename = "ln")]
    norm: Vec<Norm>,
    #[module(skip)]
    head_dim: i64,
}
