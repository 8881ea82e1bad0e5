//! State that one mesh has saved is read on every other, bit for bit.

use tp_models::phi3::PHI3_FUSED;
use tp_runtime::job::{JobFolder, SavedStep};
use tp_runtime::plan::Plan;

use crate::grid::{FOUR, Grid, ONE, on_grid};

const GRIDS: [Grid; 7] = [
    ONE,
    FOUR,
    Grid { dp: 2, ..ONE },
    Grid { dp: 1, ..FOUR },
    Grid {
        divided: false,
        ..FOUR
    },
    Grid {
        dp: 4,
        tp: 1,
        divided: true,
    },
    Grid {
        dp: 1,
        tp: 4,
        divided: false,
    },
];

/// More ranks than the fixtures have key and value heads.
const SHARING_HEADS: Grid = Grid { tp: 8, ..ONE };

fn every_pair(grids: &[Grid], model: (&str, Option<&'static Plan>)) {
    let dir = tempfile::tempdir().unwrap();
    let saved_on = |index: usize| dir.path().join(index.to_string());
    for (index, &grid) in grids.iter().enumerate() {
        on_grid(grid, model, |rank| rank.save(&saved_on(index), 30));
    }
    for &grid in grids {
        on_grid(grid, model, |rank| {
            let params = rank.model.parameters();
            let expected = rank.state(Some(30));
            for (index, saved_grid) in grids.iter().enumerate() {
                let saved = SavedStep::open(&saved_on(index).join("latest"))?;
                let restored = rank.state(None);
                saved.restore(&params, rank.model.group(), &restored)?;
                for (restored, expected) in restored.iter().zip(&expected) {
                    let piece = &restored.piece;
                    let name = &params[piece.parameter].name;
                    assert_eq!(
                        restored.tensors, expected.tensors,
                        "{:?} of {name} from {saved_grid:?}",
                        piece.elements
                    );
                }
            }
            Ok(())
        });
    }
}

#[test]
fn whatever_the_meshes() {
    every_pair(&GRIDS, ("llama_gqa", None));
}

#[test]
fn tied_weights_have_one_state() {
    every_pair(&[ONE, FOUR, GRIDS[3]], ("llama_tied", None));
}

#[test]
fn heads_that_ranks_share() {
    let uneven = Grid { tp: 3, ..FOUR };
    let grids = [ONE, FOUR, uneven, SHARING_HEADS];
    every_pair(&grids, ("llama_gqa", None));
}

#[test]
fn fused_layers_split_by_segments() {
    let grids = [ONE, FOUR, GRIDS[6], SHARING_HEADS];
    every_pair(&grids, ("phi3", Some(&PHI3_FUSED)));
}

#[test]
fn a_plan_saves_for_another() {
    let dir = tempfile::tempdir().unwrap();
    on_grid(FOUR, ("phi3", None), |rank| rank.save(dir.path(), 30));
    on_grid(FOUR, ("phi3", Some(&PHI3_FUSED)), |rank| {
        let folder = JobFolder::open(dir.path(), &rank.world)?;
        let saved = folder.latest()?.expect("a step");
        let (restored, expected) = (rank.state(None), rank.state(Some(30)));
        saved.restore(&rank.model.parameters(), rank.model.group(), &restored)?;
        for (restored, expected) in restored.iter().zip(&expected) {
            assert_eq!(restored.tensors, expected.tensors);
        }
        Ok(())
    });
}
