//! Reductions that leave axes: one place of the result at a time.

use numloom_data::{Scalar, View};

use crate::bind::Out;
use crate::compiled::Compiled;
use crate::error::RuntimeError;
use crate::exec::{self, Conditions};
use crate::guard::Bound;
use crate::run::{Call, reduced_values};
use crate::scratch::Scratch;
use crate::stage::Pass;

impl Compiled {
    /// Runs a pass whose reductions run along the axes of `site`, over `shape`.
    pub(crate) fn execute_along(
        &self,
        pass: &Pass,
        site: usize,
        shape: &[usize],
        scratch: &mut Scratch,
        call: &Call<'_, '_>,
        views: &[View<'_>],
        places: &mut [Out<'_>],
    ) -> Result<(), RuntimeError> {
        let axes = scratch.shapes.site(site).axes.clone();
        let inner: Vec<usize> = (shape.iter().zip(&axes))
            .filter(|(_, reduced)| **reduced)
            .map(|(&extent, _)| extent)
            .collect();
        let outer: Vec<usize> = (shape.iter().zip(&axes))
            .filter(|(_, reduced)| !**reduced)
            .map(|(&extent, _)| extent)
            .collect();
        let n: usize = outer.iter().product();
        for at in 0..n {
            let mut rest = at;
            let mut index = vec![0; outer.len()];
            for (i, extent) in index.iter_mut().zip(&outer).rev() {
                *i = rest % extent;
                rest /= extent;
            }
            let mut here = views.to_vec();
            for &input in &pass.part.inputs {
                let mut view = views[input].broadcast_to(shape)?;
                let mut kept = index.iter();
                let mut axis = 0;
                for &reduced in &axes {
                    if reduced {
                        axis += 1;
                    } else {
                        view = view.index_axis(axis, *kept.next().expect("as many"))?;
                    }
                }
                here[input] = view;
            }
            let Scratch {
                guards,
                plan,
                work,
                reduced,
                ..
            } = scratch;
            let conditions = Conditions {
                compiler: &self.shared().compiler,
                control: &call.control,
                block: call.block,
                workers: &|total| self.workers(&pass.part, total, call.options),
            };
            let mut none = [const { Scalar::Bool(false) }; 0];
            let mut outs: Vec<Out<'_>> = none.iter_mut().map(Out::Scalar).collect();
            let mut bound = Bound::new(&here, &mut outs, guards);
            let variant = exec::run(
                &pass.part,
                &inner,
                &mut bound,
                &conditions,
                plan,
                work,
                reduced,
            )?;
            for (root, value) in reduced_values(&variant.kernel, reduced, &inner) {
                let Out::Array(view) = &mut places[root] else {
                    unreachable!("reductions that leave axes are kept")
                };
                let flat = view.reborrow().reshape(&[n])?;
                let mut flat = flat;
                flat.set(&[at], &value)?;
            }
        }
        Ok(())
    }
}
