//! Which parameters are held together.

use super::options::Zero;

/// The parameters of a model by the unit they are held in, each with its name: one unit for all, or one for
/// each layer where layers are gathered one by one, and one for what stands in no layer.
pub(crate) fn members<'a, P>(
    parameters: impl IntoIterator<Item = (&'a str, P)>,
    zero: Zero,
) -> Vec<(&'a str, Vec<P>)> {
    let mut members: Vec<(&str, Vec<P>)> = Vec::new();
    for (name, parameter) in parameters {
        let unit = match zero {
            Zero::Parameters => layer(name).unwrap_or("what is in no layer"),
            Zero::Replicas | Zero::Optimizer => "the model",
        };
        match members.iter_mut().find(|(known, _)| *known == unit) {
            Some((_, parameters)) => parameters.push(parameter),
            None => members.push((unit, vec![parameter])),
        }
    }
    members
}

/// The outermost element of a list that a module or a parameter stands in, such as `model.layers.3`.
pub(crate) fn layer(name: &str) -> Option<&str> {
    let mut end = 0;
    for segment in name.split('.') {
        end += segment.len();
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(&name[..end]);
        }
        end += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::layer;

    #[test]
    fn a_layer_is_an_element_of_a_list() {
        let name = "model.layers.12.mlp.up_proj.weight";
        assert_eq!(layer(name), Some("model.layers.12"));
        assert_eq!(layer("model.norm.weight"), None);
    }
}
