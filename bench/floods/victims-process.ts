import { answer } from '../parts/dialogue.js';
import type { FloodSetup } from './stage.js';
import { Victims } from './victims.js';

let victims: Victims | undefined;

function those(): Victims {
  if (victims === undefined) throw new Error('they are not connected');
  return victims;
}

answer({
  connect: async (setup: FloodSetup) => {
    victims = await Victims.connect(setup);
  },
  begin: () => those().begin(),
  end: () => those().end(),
});
