/* The box beside a post: pins and exclusions take effect at once, without saving the post. */
( ( apiFetch, texts ) => {
	const place = document.getElementById( 'alsolike-list' );
	if ( ! place ) {
		return;
	}
	const post = Number( place.dataset.post );

	const make = ( name, properties, ...children ) => {
		const node = Object.assign( document.createElement( name ), properties );
		node.append( ...children );
		return node;
	};
	const button = ( text, title, onclick ) =>
		make( 'button', { type: 'button', className: 'button-link', textContent: text, ariaLabel: `${ text }: ${ title }`, onclick } );
	const fail = ( error ) => place.prepend( make( 'p', { role: 'alert', textContent: error.message } ) );

	const decide = ( data ) =>
		apiFetch( { path: '/alsolike/v1/box', method: 'POST', data: { post, ...data } } ).then( show, fail );

	const keep = ( event ) => event.key === 'Enter' && event.preventDefault(); // Else the classic editor saves the post.

	const search = ( results ) => async ( event ) => {
		const words = encodeURIComponent( event.target.value );
		if ( ! words ) {
			return results.replaceChildren();
		}
		const path = `/wp/v2/search?type=post&per_page=5&search=${ words }`;
		const found = await apiFetch( { path } ).catch( () => [] );
		results.replaceChildren(
			...found
				.filter( ( { id } ) => id !== post )
				.map( ( { id, title: html } ) => ( { id, title: new DOMParser().parseFromString( html, 'text/html' ).body.textContent } ) )
				.map( ( { id, title } ) =>
					make( 'li', {}, `${ title } `, button( texts.pin, title, () => decide( { action: 'pin', target: String( id ) } ) ) )
				)
		);
	};

	function show( { known, shown, items, excluded } ) {
		const results = make( 'ul', {} );
		const rows = items.map( ( { id: target, title, pinned }, at ) =>
			make(
				'li',
				{},
				`${ title } `,
				pinned
					? button( texts.unpin, title, () => decide( { action: 'undo', target } ) )
					: button( texts.pin, title, () => decide( { action: 'pin', target, position: at + 1 } ) ),
				' ',
				button( texts.exclude, title, () => decide( { action: 'exclude', target } ) )
			)
		);
		const hidden = excluded.map( ( { id: target, title } ) =>
			make( 'li', {}, `${ title } `, button( texts.restore, title, () => decide( { action: 'undo', target } ) ) )
		);
		place.replaceChildren(
			known ? make( 'ol', {}, ...rows ) : make( 'p', { textContent: texts.unknown } ),
			...( hidden.length ? [ make( 'p', { textContent: texts.excluded } ), make( 'ul', {}, ...hidden ) ] : [] ),
			make( 'input', { type: 'search', className: 'widefat', placeholder: texts.search, ariaLabel: texts.search, oninput: search( results ), onkeydown: keep } ),
			results,
			make(
				'label',
				{},
				make( 'input', { type: 'checkbox', checked: shown, onchange: ( event ) => decide( { action: event.target.checked ? 'show' : 'hide' } ) } ),
				` ${ texts.shown }`
			)
		);
	}

	apiFetch( { path: `/alsolike/v1/box?post=${ post }` } ).then( show, fail );
} )( window.wp.apiFetch, window.alsolikeBox );
