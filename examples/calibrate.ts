/** Calibrates the router that train.ts wrote, on questions that it has not seen. */
import { calibrate, drawCalibration } from 'pilotfish';

const calibrated = await calibrate({
  headFile: 'training/pocket/citer-s.safetensors',
  pair: 'pocket',
  task: 'pocket',
  from: 5000,
  count: 8, // hundreds, for shares that hold elsewhere
  maxTokens: 96,
  shares: [0.1, 0.3],
  folder: 'calibration/pocket',
});

for (const { threshold, share, gapRecovered } of calibrated.calibration.points) {
  console.log({ threshold, share, gapRecovered });
}
await drawCalibration(calibrated, 'calibration/pocket/reliability.png');
