import { answer } from '../parts/dialogue.js';
import { Victims } from './victims.js';
import type { World } from './world.js';

let victims: Victims | undefined;

function those(): Victims {
  if (victims === undefined) throw new Error('they are not connected');
  return victims;
}

answer({
  connect: async (world: World) => {
    victims = await Victims.connect(world);
  },
  begin: () => those().begin(),
  end: () => those().end(),
});
