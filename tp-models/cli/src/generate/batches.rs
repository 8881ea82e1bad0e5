//! Prompts side by side: which share a batch, and how shorter ones are filled up.

use tch::{Device, Kind, Tensor};
use tp_runtime::model::Inputs;

use super::prompts::Prompt;

/// The numbers of the prompts of each batch, those of like length together.
pub(super) fn batches(prompts: &[Prompt], size: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    order.sort_by_key(|&number| prompts[number].ids.len());
    order.chunks(size).map(<[usize]>::to_vec).collect()
}

/// One batch of these prompts, shorter ones padded on the left.
pub(super) fn padded(prompts: &[&Prompt]) -> Inputs {
    let longest = prompts.iter().map(|prompt| prompt.ids.len()).max();
    let shape = [prompts.len() as i64, longest.unwrap_or(0) as i64];
    let [ids, mask] = [(); 2].map(|()| Tensor::zeros(shape, (Kind::Int64, Device::Cpu)));
    for (row, prompt) in prompts.iter().enumerate() {
        let length = prompt.ids.len() as i64;
        let own = |tensor: &Tensor| tensor.get(row as i64).narrow(0, shape[1] - length, length);
        own(&ids).copy_(&Tensor::from_slice(&prompt.ids));
        let _ = own(&mask).fill_(1);
    }
    Inputs::new(ids).with("attention_mask", mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(lengths: &[usize]) -> Vec<Prompt> {
        let prompt = |&length| Prompt {
            text: String::new(),
            ids: vec![7; length],
        };
        lengths.iter().map(prompt).collect()
    }

    #[test]
    fn like_lengths_share_a_batch() {
        let prompts = prompts(&[5, 1, 9, 2, 5]);
        assert_eq!(batches(&prompts, 2), [vec![1, 3], vec![0, 4], vec![2]]);
        assert_eq!(batches(&prompts, 8), [vec![1, 3, 0, 4, 2]]);
    }

    #[test]
    fn shorter_prompts_end_with_the_longest() {
        let prompts = prompts(&[1, 3]);
        let inputs = padded(&prompts.iter().collect::<Vec<_>>());
        let rows = |tensor: Tensor| Vec::<Vec<i64>>::try_from(tensor).expect("two dimensions");
        assert_eq!(rows(inputs.input_ids), [[0, 0, 7], [7, 7, 7]]);
        let mask = inputs.attention_mask.expect("a mask");
        assert_eq!(rows(mask), [[0, 0, 1], [1, 1, 1]]);
    }
}
