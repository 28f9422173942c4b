import { advise } from 'pilotfish';

const { places } = await advise({
  pair: 'pocket',
  profile: 'rtx-4090', // a data sheet; without it this machine is measured
  roundTripMs: 40, // also with the large model behind a network
  share: 0.2, // tokens for the large model; without it the strategies are tried out
  acceptance: 0.7,
});

for (const { place, strategies } of places) {
  for (const { name, faces } of strategies) {
    console.log(place, name, { time: faces.time.ratio, traffic: faces.weightTraffic.ratio });
  }
}
