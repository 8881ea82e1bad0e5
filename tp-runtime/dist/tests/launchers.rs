//! Processes with the variables of each launcher, set by hand.

mod processes;

use std::time::Duration;

use processes::{finish, free_port, report, scenario, start, text};
use tch::Tensor;
use tp_dist::{Error, Launch, ReduceOp, launch};

/// What a rank's process runs; in the test run itself it has nothing to do.
#[test]
fn rank_process() {
    let Some(scenario) = scenario() else {
        return;
    };
    let options = Launch {
        timeout: Duration::from_secs(20),
        ..Launch::on_mesh(&[("dp", 2), ("tp", 2)])
    };
    report(launch(&options, |rank| {
        let mesh = rank.mesh(&[("dp", 2), ("tp", 2)])?;
        let own = Tensor::from_slice(&[1.0f32 + rank.rank() as f32]);
        let sum = mesh.world().all_reduce(own, ReduceOp::Sum, &scenario)?;
        let [dp, tp] = [mesh.coordinate("dp")?, mesh.coordinate("tp")?];
        let (backend, sum) = (rank.world.backend(), sum.double_value(&[0]));
        Ok::<_, Error>(format!("dp={dp}, tp={tp} over {backend}: {sum}"))
    }));
}

fn assert_a_mesh(launcher: &str, variables: impl Fn(usize) -> Vec<(&'static str, String)>) {
    let outputs = finish(start(launcher, 0..4, variables));
    for (rank, output) in outputs.iter().enumerate() {
        let (told, error) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{launcher}: {error}");
        let expected = format!("<dp={}, tp={} over gloo: 10>", rank / 2, rank % 2);
        assert!(told.contains(&expected), "{launcher}: {told}");
    }
}

/// The variables of a step of `srun`, whose ranks meet where its job's id says.
fn srun(rank: usize, tasks: usize) -> Vec<(&'static str, String)> {
    vec![
        ("SLURM_JOB_ID", std::process::id().to_string()),
        ("SLURM_STEP_ID", "3".into()),
        ("SLURM_NTASKS", tasks.to_string()),
        ("SLURM_STEP_NUM_TASKS", tasks.to_string()),
        ("SLURM_STEP_TASKS_PER_NODE", tasks.to_string()),
        ("SLURM_STEP_NODELIST", "gpu07".into()),
        ("SLURM_PROCID", rank.to_string()),
        ("SLURM_LOCALID", rank.to_string()),
        ("SLURM_NODEID", "0".into()),
    ]
}

#[test]
fn srun_s_processes_meet() {
    assert_a_mesh("srun", |rank| srun(rank, 4));
}

#[test]
fn mpirun_s_processes_meet() {
    let port = free_port();
    assert_a_mesh("mpirun", |rank| {
        vec![
            ("OMPI_COMM_WORLD_SIZE", "4".into()),
            ("OMPI_COMM_WORLD_RANK", rank.to_string()),
            ("OMPI_COMM_WORLD_LOCAL_SIZE", "4".into()),
            ("OMPI_COMM_WORLD_LOCAL_RANK", rank.to_string()),
            ("MASTER_PORT", port.clone()),
        ]
    });
}

#[test]
fn a_script_of_sbatch_runs_the_ranks_as_threads() {
    let variables = |_| {
        let mut variables = srun(0, 4);
        variables.retain(|(name, _)| !name.contains("_STEP_"));
        variables
    };
    let output = &finish(start("sbatch", 0..1, variables))[0];
    let told = text(&output.stdout);
    assert!(told.contains("<dp=0, tp=0 over local: 10>"), "{told}");
}

#[test]
fn a_world_of_another_size_is_told_what_would_fit() {
    let error = text(&finish(start("srun", 0..1, |rank| srun(rank, 6)))[0].stderr);
    let expected = "<4 ranks are asked for, but SLURM_STEP_NUM_TASKS=6: start 4 processes, \
                    or ask for dp=2, tp=3 or dp=3, tp=2>";
    assert!(error.contains(expected), "{error}");
}
