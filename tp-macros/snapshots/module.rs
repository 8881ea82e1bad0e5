#[derive(Module)]
#[flow(norm -> (q_proj -> q_norm), k_proj -> o_proj -> +)]
pub struct Attention<P: Module> {
    q_proj: P,
    q_norm: Norm,
    k_proj: P,
    o_proj: Option<P>,
    #[module(rename = "ln")]
    norm: Vec<Norm>,
    #[module(skip)]
    head_dim: i64,
}
